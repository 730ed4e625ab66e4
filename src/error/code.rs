//! The closed list of error codes, and the class of each.

use serde::{Serialize, Serializer};

/// The class of an error in JavaScript. Each class stands for one way of handling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A key, an endpoint or an option of the client is missing or invalid.
    Configuration,
    /// A task, or the set of tasks, is not a valid definition.
    TaskDefinition,
    /// A workflow document is not valid. The error carries diagnostics.
    Validation,
    /// The server did not accept a workflow.
    Submission,
    /// A run or a task failed while executing.
    Execution,
    /// The server refused a request, or its answer is not valid.
    Api,
    /// A time limit passed.
    Timeout,
    /// The caller's `AbortSignal` fired.
    Aborted,
    /// Highway has this, but this package does not offer it.
    NotSupported,
    /// The WebAssembly module could not be loaded or used.
    Wasm,
}

impl ErrorKind {
    /// Name of the JavaScript class.
    pub const fn class_name(self) -> &'static str {
        match self {
            Self::Configuration => "ConfigurationError",
            Self::TaskDefinition => "TaskDefinitionError",
            Self::Validation => "ValidationError",
            Self::Submission => "SubmissionError",
            Self::Execution => "ExecutionError",
            Self::Api => "ApiError",
            Self::Timeout => "TimeoutError",
            Self::Aborted => "AbortedError",
            Self::NotSupported => "NotSupportedError",
            Self::Wasm => "WasmError",
        }
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal => $kind:ident,)+) => {
        /// Every code that this package can report. The text of a code is stable; new codes may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant,)+ }

        impl ErrorCode {
            /// All codes, in declaration order. The TypeScript union is tested against this list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable text of the code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The code with a text.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|code| code.as_str() == word).copied()
            }

            /// The class of an error with this code, unless the error names another.
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)+ }
            }
        }
    };
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

error_codes! {
    /// The client has neither a key nor an engine.
    ApiKeyMissing = "API_KEY_MISSING" => Configuration,
    /// A long-lived key is used in a browser page without the caller's explicit consent.
    ApiKeyExposed = "API_KEY_EXPOSED" => Configuration,
    /// The endpoint is not an absolute http(s) URL.
    EndpointInvalid = "ENDPOINT_INVALID" => Configuration,
    /// An option has the wrong type or an impossible value.
    OptionInvalid = "OPTION_INVALID" => Configuration,
    /// The caller's `auth` function failed or returned no credential.
    AuthFailed = "AUTH_FAILED" => Configuration,

    /// No task type was given.
    TaskTypeMissing = "TASK_TYPE_MISSING" => TaskDefinition,
    /// More than one task type was given.
    TaskTypeAmbiguous = "TASK_TYPE_AMBIGUOUS" => TaskDefinition,
    /// The task name is empty or not text.
    TaskNameInvalid = "TASK_NAME_INVALID" => TaskDefinition,
    /// An earlier task has the same name.
    TaskDuplicate = "TASK_DUPLICATE" => TaskDefinition,
    /// There is no such task option.
    TaskOptionUnknown = "TASK_OPTION_UNKNOWN" => TaskDefinition,
    /// A required task option is missing.
    TaskOptionMissing = "TASK_OPTION_MISSING" => TaskDefinition,
    /// A task option has the wrong type.
    TaskOptionType = "TASK_OPTION_TYPE" => TaskDefinition,
    /// A task option is outside its range.
    TaskOptionRange = "TASK_OPTION_RANGE" => TaskDefinition,
    /// `delay` and `schedule` exclude each other.
    DelayWithSchedule = "DELAY_WITH_SCHEDULE" => TaskDefinition,
    /// `package` is only for durable tasks.
    PackageRequiresDurable = "PACKAGE_REQUIRES_DURABLE" => TaskDefinition,
    /// The files of a package cannot be read, or there are none.
    PackageInvalid = "PACKAGE_INVALID" => TaskDefinition,
    /// `package` needs `entrypoint`, as `module:function`.
    EntrypointInvalid = "ENTRYPOINT_INVALID" => TaskDefinition,
    /// A duration is not seconds, ISO 8601 text or an object of units.
    DurationInvalid = "DURATION_INVALID" => TaskDefinition,
    /// A run was requested before any task was defined.
    NoTasks = "NO_TASKS" => TaskDefinition,
    /// A task depends on a name that no task has.
    DependencyUnknown = "DEPENDENCY_UNKNOWN" => TaskDefinition,
    /// A task depends on itself.
    DependencySelf = "DEPENDENCY_SELF" => TaskDefinition,
    /// Tasks wait for each other in a circle.
    DependencyCycle = "DEPENDENCY_CYCLE" => TaskDefinition,
    /// The schedule is not a cron expression or an interval, or can never fire.
    ScheduleInvalid = "SCHEDULE_INVALID" => TaskDefinition,
    /// Only the first schedule of a workflow is used.
    ScheduleIgnored = "SCHEDULE_IGNORED" => TaskDefinition,
    /// The wait that is written for a delayed task has the id of another task.
    WaitIdCollision = "WAIT_ID_COLLISION" => TaskDefinition,
    /// An entry that is written along with a task (a body, a fork) has the id of another task.
    GeneratedIdCollision = "GENERATED_ID_COLLISION" => TaskDefinition,
    /// A dependency crosses the border of a branch, or a task is in two branches.
    BranchCrossed = "BRANCH_CROSSED" => TaskDefinition,
    /// The document format drops the part of a delay below one second.
    DelayTruncated = "DELAY_TRUNCATED" => TaskDefinition,
    /// The value of a task does not fit its type. It is passed on or dropped as Highway does.
    TaskValueUnusual = "TASK_VALUE_UNUSUAL" => TaskDefinition,

    /// The document has errors; the diagnostics list them.
    ValidationFailed = "VALIDATION_FAILED" => Validation,
    /// The document as a whole cannot be read.
    DocumentInvalid = "DOCUMENT_INVALID" => Validation,
    /// The text is not JSON.
    JsonInvalid = "JSON_INVALID" => Validation,
    /// The text is not YAML, or uses an unsafe feature of it.
    YamlInvalid = "YAML_INVALID" => Validation,
    /// An object has the same key twice.
    KeyDuplicate = "KEY_DUPLICATE" => Validation,
    /// A field has a value of the wrong type.
    FieldTypeInvalid = "FIELD_TYPE_INVALID" => Validation,
    /// A required field is missing.
    FieldMissing = "FIELD_MISSING" => Validation,
    /// A field has an invalid value.
    FieldValueInvalid = "FIELD_VALUE_INVALID" => Validation,
    /// There is no such field. Highway drops it.
    FieldUnknown = "FIELD_UNKNOWN" => Validation,
    /// A value is converted to another type, as Highway does.
    ValueConverted = "VALUE_CONVERTED" => Validation,
    /// The name of the workflow breaks Highway's rule.
    WorkflowNameInvalid = "WORKFLOW_NAME_INVALID" => Validation,
    /// The version of the workflow breaks Highway's rule.
    WorkflowVersionInvalid = "WORKFLOW_VERSION_INVALID" => Validation,
    /// The operator type is missing or not one of Highway's.
    OperatorUnknown = "OPERATOR_UNKNOWN" => Validation,
    /// The key of a task and its `task_id` differ.
    TaskIdMismatch = "TASK_ID_MISMATCH" => Validation,
    /// The task can never start.
    TaskUnreachable = "TASK_UNREACHABLE" => Validation,
    /// A route, a callback or the start names a task that does not exist.
    TargetUnknown = "TARGET_UNKNOWN" => Validation,
    /// A join waits for a task that does not exist.
    JoinTaskUnknown = "JOIN_TASK_UNKNOWN" => Validation,
    /// No task waits for the branches of a fork.
    ForkNotAwaited = "FORK_NOT_AWAITED" => Validation,
    /// No task reads the answer of an approval, so a rejection stops nothing.
    ApprovalUnread = "APPROVAL_UNREAD" => Validation,
    /// A value or a number of items exceeds a limit of the engine or the server (413). An engine's help names the
    /// option.
    LimitExceeded = "LIMIT_EXCEEDED" => Execution,
    /// A template names nothing in its scope.
    TemplateNameUnknown = "TEMPLATE_NAME_UNKNOWN" => Validation,
    /// A condition is not an expression.
    ConditionInvalid = "CONDITION_INVALID" => Validation,
    /// A note on the next firings of the schedule.
    ScheduleFirings = "SCHEDULE_FIRINGS" => Validation,
    /// A duration is not above zero.
    DurationNotPositive = "DURATION_NOT_POSITIVE" => Validation,
    /// The waits between retries take longer than the time limit around them.
    RetryExceedsTimeout = "RETRY_EXCEEDS_TIMEOUT" => Validation,
    /// A template stands where templates are not replaced.
    TemplateLiteral = "TEMPLATE_LITERAL" => Validation,
    /// A task may take longer than the run, or than the branches around it.
    LimitExceedsTimeout = "LIMIT_EXCEEDS_TIMEOUT" => Validation,
    /// A task uses the result of a task that it does not wait for.
    DependencyMissing = "DEPENDENCY_MISSING" => Validation,
    /// A task, a variable or a result has a name of the engine.
    NameReserved = "NAME_RESERVED" => Validation,
    /// Text from outside is pasted into a command or into source code.
    TextPasted = "TEXT_PASTED" => Validation,
    /// The delays, waits and retries on one path through a workflow take longer than the limit around them.
    WaitExceedsTimeout = "WAIT_EXCEEDS_TIMEOUT" => Validation,
    /// A case of a switch can never match.
    CaseUnreachable = "CASE_UNREACHABLE" => Validation,
    /// A builder passes an unknown option on as an argument of the tool.
    OptionMerged = "OPTION_MERGED" => Validation,
    /// A builder ignores an unknown option, as Highway's builder does.
    OptionIgnored = "OPTION_IGNORED" => Validation,
    /// A call of a builder does not change the current operator.
    ModifierIgnored = "MODIFIER_IGNORED" => Validation,
    /// A task replaces an earlier one with the same id.
    TaskOverwritten = "TASK_OVERWRITTEN" => Validation,
    /// A builder has no operator to modify yet.
    NoCurrentTask = "NO_CURRENT_TASK" => Validation,
    /// The builder has no such method.
    MethodUnknown = "METHOD_UNKNOWN" => Validation,
    /// This engine does not run operators of this type.
    OperatorUnsupported = "OPERATOR_UNSUPPORTED" => Validation,
    /// A value that JSON cannot carry (a function, a symbol, NaN, a too large integer).
    ValueNotJson = "VALUE_NOT_JSON" => Validation,

    /// 400, 422 or another refusal of the request.
    ApiBadRequest = "API_BAD_REQUEST" => Api,
    /// 401: the server does not accept the key.
    ApiUnauthorized = "API_UNAUTHORIZED" => Api,
    /// 403: the key lacks a permission.
    ApiForbidden = "API_FORBIDDEN" => Api,
    /// 404: there is no such run, workflow or path.
    ApiNotFound = "API_NOT_FOUND" => Api,
    /// 409: the request conflicts with the state of the server.
    ApiConflict = "API_CONFLICT" => Api,
    /// 429: too many requests.
    ApiRateLimited = "API_RATE_LIMITED" => Api,
    /// The server redirects to another origin. The credential is not sent there.
    ApiRedirected = "API_REDIRECTED" => Api,
    /// 501: the server does not offer this.
    ApiNotImplemented = "API_NOT_IMPLEMENTED" => Api,
    /// 5xx after all retries.
    ApiServerError = "API_SERVER_ERROR" => Api,
    /// The server could not be reached after all retries, or the connection broke.
    ApiUnreachable = "API_UNREACHABLE" => Api,
    /// The answer breaks the contract of the API (HTML, broken JSON, a missing run id).
    ApiResponseInvalid = "API_RESPONSE_INVALID" => Api,

    /// The answer is larger than the client's limit.
    ApiResponseTooLarge = "API_RESPONSE_TOO_LARGE" => Api,
    /// The client sends no requests for a while, since the server has failed so often in a row.
    ApiCircuitOpen = "API_CIRCUIT_OPEN" => Api,
    /// The Python functions of a workflow could not be uploaded, so the workflow was not submitted.
    ArtifactUploadFailed = "ARTIFACT_UPLOAD_FAILED" => Submission,

    /// One request took longer than its limit.
    RequestTimeout = "REQUEST_TIMEOUT" => Timeout,
    /// The run did not end within the time that the caller waits. It continues.
    WaitTimeout = "WAIT_TIMEOUT" => Timeout,
    /// The caller's signal fired.
    Aborted = "ABORTED" => Aborted,

    /// The run failed without a more precise code.
    RunFailed = "RUN_FAILED" => Execution,
    /// The run was cancelled.
    RunCancelled = "RUN_CANCELLED" => Execution,
    /// The run exceeded its own time limit.
    RunTimedOut = "RUN_TIMED_OUT" => Execution,
    /// The journal of an engine is damaged.
    JournalInvalid = "JOURNAL_INVALID" => Execution,
    /// The store of an engine belongs to another engine.
    StoreInUse = "STORE_IN_USE" => Execution,
    /// A condition on the inputs or on the result of a task does not hold.
    GuardFailed = "GUARD_FAILED" => Execution,
    /// An attempt at a task exceeded its time limit.
    TaskTimedOut = "TASK_TIMED_OUT" => Execution,
    /// A tool failed.
    ToolFailed = "TOOL_FAILED" => Execution,
    /// A shell command or a script ended with an exit code other than 0.
    ExitCodeNonzero = "EXIT_CODE_NONZERO" => Execution,
    /// The engine has no tool with that name.
    ToolNotRegistered = "TOOL_NOT_REGISTERED" => Execution,
    /// This machine lacks something that the tool needs (python3, a shell).
    ToolUnavailable = "TOOL_UNAVAILABLE" => Execution,
    /// The tool does not accept these arguments.
    ToolArgumentsInvalid = "TOOL_ARGUMENTS_INVALID" => Execution,
    /// A template names nothing in its scope.
    TemplateUnresolved = "TEMPLATE_UNRESOLVED" => Execution,
    /// Text between `{{` and `}}` starts like a path but is none.
    TemplateInvalid = "TEMPLATE_INVALID" => Execution,
    /// The engine was closed before the run ended.
    EngineClosed = "ENGINE_CLOSED" => Execution,

    /// Highway has this, but this package does not offer it.
    NotSupported = "NOT_SUPPORTED" => NotSupported,

    /// The module was used before `init()` (only `/slim` and `/web` need it).
    NotInitialized = "NOT_INITIALIZED" => Wasm,
    /// The module could not be fetched, compiled or started.
    WasmLoadFailed = "WASM_LOAD_FAILED" => Wasm,
    /// The module stopped at an internal error: a bug in this package.
    WasmPanic = "WASM_PANIC" => Wasm,
}
