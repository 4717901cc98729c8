//! The pure interpreter: (program, snapshot, inputs, now) to (snapshot, effects, facts).
