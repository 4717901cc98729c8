//! jq within a budget, the value type, data filters and merging.
