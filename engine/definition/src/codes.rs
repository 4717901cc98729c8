//! Codes of the problems that this crate reports, one for each thing an author repairs in a different way.
//!
//! `RON00xx` concerns files and their syntax, `RON01xx` definitions, `RON04xx` the files that they name, `RON05xx` the
//! configuration. The numbers between belong to other crates. A number is never given to another problem.

/// A file cannot be read.
pub const UNREADABLE: &str = "RON0001";
/// Not YAML, not JSON.
pub const SYNTAX: &str = "RON0002";
/// A name stands twice in one object.
pub const DUPLICATE_KEY: &str = "RON0003";
/// Nested too deep, or too many values.
pub const TOO_LARGE: &str = "RON0004";
/// Another dialect than Serverless Workflow 0.8.
pub const DIALECT: &str = "RON0005";
/// Unquoted text that readers of YAML take for different values.
pub const AMBIGUOUS: &str = "RON0006";

/// A value of the wrong type.
pub const WRONG_TYPE: &str = "RON0101";
/// A required property is missing.
pub const MISSING: &str = "RON0102";
/// A transition, a start or another reference to a state that is not there.
pub const UNKNOWN_STATE: &str = "RON0103";
/// A property that the language does not have.
pub const UNKNOWN_PROPERTY: &str = "RON0104";
/// A value that is not one of those allowed.
pub const WRONG_VALUE: &str = "RON0105";
/// A form that is not the specification's, accepted all the same.
pub const TOLERATED: &str = "RON0106";
/// `specVersion` is missing or another one.
pub const SPEC_VERSION: &str = "RON0107";
/// An extension that Rondo does not know.
pub const UNKNOWN_EXTENSION: &str = "RON0108";
/// A function that is not defined.
pub const UNKNOWN_FUNCTION: &str = "RON0110";
/// An event that is not defined.
pub const UNKNOWN_EVENT: &str = "RON0111";
/// An error that is not defined.
pub const UNKNOWN_ERROR: &str = "RON0112";
/// A retry policy that is not defined.
pub const UNKNOWN_RETRY: &str = "RON0113";
/// An `auth` definition that is not there.
pub const UNKNOWN_AUTH: &str = "RON0114";
/// A workflow that is not in the folder.
pub const UNKNOWN_WORKFLOW: &str = "RON0115";
/// A name that is given twice.
pub const DUPLICATE_NAME: &str = "RON0120";
/// Two workflows with one id.
pub const DUPLICATE_ID: &str = "RON0121";
/// Not exactly one of `transition` and `end`.
pub const WAY_OUT: &str = "RON0122";
/// Conditions of a switch.
pub const SWITCH: &str = "RON0123";
/// Completion of a parallel state, batches of a foreach state.
pub const COUNT: &str = "RON0124";
/// Compensation.
pub const COMPENSATION: &str = "RON0125";
/// A text that is no duration.
pub const DURATION: &str = "RON0126";
/// A time limit where it has no meaning.
pub const TIMEOUT_PLACE: &str = "RON0127";
/// Arguments that a function cannot do without.
pub const ARGUMENTS: &str = "RON0128";
/// A schedule.
pub const SCHEDULE: &str = "RON0129";
/// An action that does not do exactly one thing.
pub const ACTION: &str = "RON0130";
/// An event that is produced where it should be consumed, or the other way round.
pub const EVENT_KIND: &str = "RON0131";
/// `continueAs`.
pub const CONTINUE_AS: &str = "RON0132";
/// A function's operation that has not the form of its type.
pub const OPERATION: &str = "RON0133";
/// `retryableErrors` or `nonRetryableErrors` that have no effect.
pub const RETRY: &str = "RON0134";
/// A secret without a value.
pub const SECRET: &str = "RON0135";
/// An id that cannot be a part of a path.
pub const ID: &str = "RON0136";
/// A state that waits for events, which are not delivered yet.
pub const EVENTS: &str = "RON0137";

/// A file that a definition names cannot be read.
pub const RESOURCE: &str = "RON0401";
/// It can, but does not hold what it should.
pub const RESOURCE_CONTENT: &str = "RON0402";

/// `application.properties` cannot be read.
pub const PROPERTIES: &str = "RON0501";
/// A property that refers to itself.
pub const PROPERTY_CYCLE: &str = "RON0502";
/// A setting with a value that it cannot have.
pub const SETTING: &str = "RON0503";
/// `${` without closing brace.
pub const REFERENCE: &str = "RON0504";
/// A property that begins with `rondo.`, or an environment variable with `RONDO_`, and is none of Rondo's.
pub const UNKNOWN_SETTING: &str = "RON0505";
