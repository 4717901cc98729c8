//! The table of all codes: constant, level, number and title.

use super::{Code, Level};

macro_rules! codes {
    ($($name:ident $level:ident $number:literal $title:literal)*) => {
        $(
            #[doc = concat!($number, ": ", $title, ".")]
            pub const $name: Code = Code {
                number: $number,
                title: $title,
                level: Level::$level,
                page: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/diagnostics/", $number, ".md")),
            };
        )*

        /// All codes in the order of their numbers.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    UNREADABLE Error "RON0001" "a file or folder cannot be read"
    SYNTAX Error "RON0002" "a file is not valid YAML or JSON"
    DUPLICATE_KEY Error "RON0003" "a property is given twice in one object"
    TOO_LARGE Error "RON0004" "a file is too large or nested too deep"
    UNSUPPORTED_DSL Error "RON0005" "a document of the DSL 1.0 is not served"
    AMBIGUOUS_SCALAR Warning "RON0006" "unquoted text is read as another value"
    NOT_UTF8 Error "RON0007" "a file is not UTF-8"
    TEMPLATE Warning "RON0008" "a custom resource is a template"
    OTHER_RESOURCE Warning "RON0009" "a file that is named like a workflow is a Kubernetes resource of another kind"
    FLOW_PROPERTY Warning "RON0010" "a property in the flow of a custom resource has no effect"
    SHADOWED_RESOURCE Warning "RON0011" "a custom resource has the workflow of a file"
    CUSTOM_RESOURCE Error "RON0012" "a custom resource is malformed"

    WRONG_TYPE Error "RON0101" "a value has the wrong type"
    MISSING Error "RON0102" "a required property is missing"
    UNKNOWN_STATE Error "RON0103" "a state is not defined"
    UNKNOWN_PROPERTY Error "RON0104" "a property is not known"
    UNKNOWN_WORD Error "RON0105" "a value is not one of those allowed"
    TOLERATED_FORM Warning "RON0106" "a form is accepted that is not the specification's"
    SPEC_VERSION Deviation "RON0107" "`specVersion` is not 0.8"
    UNKNOWN_EXTENSION Warning "RON0108" "an extension is not known"
    UNKNOWN_FUNCTION Error "RON0110" "a function is not defined"
    UNKNOWN_EVENT Error "RON0111" "an event is not defined"
    UNKNOWN_ERROR Error "RON0112" "an error that is handled is not defined"
    UNKNOWN_RETRY Deviation "RON0113" "a retry policy is not defined"
    UNKNOWN_AUTH Deviation "RON0114" "an auth definition is not defined"
    UNKNOWN_WORKFLOW Error "RON0115" "a subflow is not in the folder"
    DUPLICATE_NAME Error "RON0120" "a name is given twice"
    DUPLICATE_ID Error "RON0121" "two workflows have the same id and version"
    STATE_EXIT Error "RON0122" "a state has not exactly one of `transition` and `end`"
    SWITCH_CONDITIONS Error "RON0123" "a switch has no conditions, or conditions of both kinds"
    NUM_COMPLETED Error "RON0124" "`numCompleted` is not a number of branches"
    COMPENSATION Error "RON0125" "main flow and compensation lead into each other"
    INVALID_DURATION Error "RON0126" "a text is not a duration"
    WORKFLOW_TIMEOUT Error "RON0127" "`workflowExecTimeout` stands outside of the workflow's timeouts"
    MISSING_ARGUMENT Error "RON0128" "a function is called without the argument that it needs"
    INVALID_SCHEDULE Deviation "RON0129" "a schedule cannot be kept to"
    EMPTY_ACTION Error "RON0130" "an action does nothing"
    EVENT_KIND Deviation "RON0131" "an event goes the other way than its `kind` says"
    CONTINUE_AS Deviation "RON0132" "`continueAs` stands beside `terminate: false`"
    OPERATION_FORM Error "RON0133" "an operation does not have the form of its type"
    UNUSED_RETRY_LIST Warning "RON0134" "a list of errors to retry has no effect"
    MISSING_SECRET Deviation "RON0135" "a secret has no value"
    INVALID_ID Error "RON0136" "an id cannot be a part of a path"
    UNKNOWN_RETRY_ERROR Deviation "RON0138" "an error in a list of errors to retry is not defined"
    IGNORED_DURATION Deviation "RON0139" "a text that is not a duration counts as absent"
    MISSING_OPTIONAL Deviation "RON0140" "a property is missing that the engine does without"
    IGNORED_PROPERTY Warning "RON0141" "a property at the top level is probably misspelt"
    REFERENCE_PROPERTY Deviation "RON0142" "a property of a function reference is not known"
    IGNORED_NUMBER Deviation "RON0143" "a number of a retry policy is not allowed and counts as absent"
    ITERATION_PARAM Deviation "RON0144" "no expression can read the iteration parameter"
    INJECTED_DATA Deviation "RON0145" "the data of an inject state is not an object"
    RUN_BEFORE Deviation "RON0146" "`runBefore` names a state that cannot run there"
    DUPLICATE_BRANCH Deviation "RON0147" "two branches have the same name"
    TIMEOUT_PLACE Deviation "RON0148" "a time limit has no meaning where it stands"
    MISSING_DEFAULT Deviation "RON0149" "a switch has no `defaultCondition`"
    SWITCH_EXIT Error "RON0150" "a switch has a `transition` or `end` of its own"
    BATCH_SIZE Deviation "RON0151" "`batchSize` is not a number above 1"
    UNKNOWN_SUCCESSOR Deviation "RON0152" "the workflow of `continueAs` is not in the folder"
    RESERVED_PATH Error "RON0153" "a workflow would be served at a path of the engine"
    SHARED_PATH Warning "RON0154" "two workflows would be served at the same path"
    ID_AND_KEY Deviation "RON0155" "a workflow has both `id` and `key`"
    SEVERAL_ACTIONS Deviation "RON0156" "an action does more than one thing"
    RECURSIVE_SUBFLOW Error "RON0157" "a branch runs its own workflow as subflow"
    NESTED_COMPENSATION Error "RON0158" "a compensating state is compensated itself"
    NOT_COMPENSATING Error "RON0159" "`compensatedBy` names a state that is not `usedForCompensation`"
    COMPENSATING_EVENT Error "RON0160" "an event state is `usedForCompensation`"
    UNUSED_PROPERTY Warning "RON0161" "a property has no effect where it stands"
    NOT_A_PATH Deviation "RON0173" "`toStateData` is not a path"
    LATE_EXPRESSION Deviation "RON0174" "an expression is not valid and fails when it is evaluated"

    EXPRESSION Error "RON0201" "an expression is not valid"
    NOT_AN_EXPRESSION Deviation "RON0202" "a text that begins as an expression is not a valid one"
    UNKNOWN_VARIABLE Warning "RON0204" "an expression reads a variable that has no value"
    WITHOUT_EFFECT Warning "RON0205" "a property has no effect yet"
    UNUSED_EXPRESSION Warning "RON0206" "an expression function that nothing uses is not valid"
    EMBEDDED_EXPRESSION Warning "RON0207" "an expression within a longer text is not evaluated"
    INJECTED_EXPRESSION Warning "RON0208" "an expression in the data of an inject state is not evaluated"
    UNRAISED_CLASS Warning "RON0209" "an error code names a class that nothing raises"

    CUSTOM_OPERATION Error "RON0301" "a custom operation is malformed"
    API_DOCUMENT Error "RON0302" "the document of a function cannot be used"
    UNKNOWN_OPERATION Error "RON0303" "the document of a function has no such operation"
    FUNCTION_TYPE Error "RON0304" "a function is of a type that cannot be called"
    API_DOCUMENT_PART Warning "RON0305" "a part of an OpenAPI document is ignored"
    NO_ADDRESS Warning "RON0306" "no address is known for the calls of a function"
    INVALID_AUTH Error "RON0308" "an auth definition cannot be used"
    MISSING_CREDENTIALS Warning "RON0309" "credentials are configured, but have no value"
    TOKEN_CLIENT Error "RON0310" "no token can be got with the properties of an OpenID Connect client"
    UNUSABLE_CLIENT Warning "RON0311" "a setting of a REST client cannot be used"
    UNKNOWN_ARGUMENT Warning "RON0315" "an argument is not sent, because the operation does not know it"
    MISSING_OPERATION_ARGUMENT Warning "RON0316" "a call lacks an argument that the operation requires"
    PATH_WITHOUT_ARGUMENT Warning "RON0317" "a part of a path has no argument"
    UNSENT_ARGUMENT Warning "RON0318" "an argument is not sent, because the request has no body"
    LOST_RESULT Warning "RON0319" "the result of an action is not where it is looked for"

    RESOURCE Error "RON0401" "a file that a definition names cannot be read"
    RESOURCE_CONTENT Error "RON0402" "a file that a definition names does not hold what it should"
    SCHEMA Error "RON0403" "a JSON schema cannot be used"
    CONFIG_MAP Warning "RON0404" "a ConfigMap that a custom resource names is not in the folder"
    FOUND_ELSEWHERE Warning "RON0405" "a file of a ConfigMap is found at another path than it is mounted at"
    SEVERAL_CONFIG_MAPS Warning "RON0406" "several ConfigMaps have the name that a custom resource means"

    PROPERTIES Error "RON0501" "`application.properties` cannot be read"
    PROPERTY_CYCLE Error "RON0502" "a setting refers to itself"
    SETTING Error "RON0503" "a setting has a value that it cannot have"
    UNCLOSED_REFERENCE Warning "RON0504" "a `${` is not closed"
    UNKNOWN_SETTING Error "RON0505" "a property begins with `rondo.` and is not known"
    INVALID_FOREIGN_SETTING Warning "RON0506" "a setting of SonataFlow has a value that it cannot have"
    SETTING_FILE Error "RON0507" "a file or folder of the configuration cannot be read"
    MISSPELT_VARIABLE Error "RON0508" "an environment variable has almost the name of a setting"
    UNKNOWN_ENVIRONMENT Warning "RON0509" "an environment variable begins with `RONDO_` and is not known"
    CHANNEL Error "RON0510" "a channel of events cannot be used"
    CHANNEL_PROPERTY Warning "RON0511" "a property of channels has no effect"
    CHANNEL_WITHOUT_VALUE Warning "RON0512" "a property of a channel has no value"
    UNREADABLE_PROPERTY Warning "RON0513" "a property refers to itself, and what reads it fails"
    ENGINE_WIDE_SETTING Warning "RON0514" "a setting of the whole engine is set by one project"
    NO_WORKFLOW Error "RON0515" "there is no workflow in the folder"
    EVENT_ATTRIBUTE Warning "RON0520" "an attribute of an event has a name that it cannot have"
    UNREAD_PROPERTY Warning "RON0516" "nothing reads a property"
    UNSUPPORTED_SETTING Warning "RON0517" "a setting of Quarkus has no effect here"
}
