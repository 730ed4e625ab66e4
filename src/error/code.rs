//! The closed list of error codes, and the class each belongs to.

/// The JavaScript class an error becomes; one class per way of handling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A key, an endpoint or an option of the client is missing or unusable.
    Configuration,
    /// A task, or the set of tasks, is not a valid definition.
    TaskDefinition,
    /// A workflow document is not valid; carries diagnostics.
    Validation,
    /// The server did not accept a workflow.
    Submission,
    /// A run or a task failed while executing.
    Execution,
    /// The server refused a request, or its answer could not be understood.
    Api,
    /// A time limit passed.
    Timeout,
    /// The caller's `AbortSignal` fired.
    Aborted,
    /// Known to Highway, but not offered by this package.
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
        /// Every code this package can report. The text form is stable; new codes may be added.
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

            /// The class that an error with this code has unless its maker chose another.
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)+ }
            }
        }
    };
}

error_codes! {
    /// No key and no engine were given.
    ApiKeyMissing = "API_KEY_MISSING" => Configuration,
    /// A long-lived key in a browser page, without the caller's explicit consent.
    ApiKeyExposed = "API_KEY_EXPOSED" => Configuration,
    /// The endpoint is not an absolute http(s) URL.
    EndpointInvalid = "ENDPOINT_INVALID" => Configuration,
    /// An option has the wrong type or an impossible value.
    OptionInvalid = "OPTION_INVALID" => Configuration,
    /// The caller's `auth` function failed, or gave no credential.
    AuthFailed = "AUTH_FAILED" => Configuration,

    /// No task type was given.
    TaskTypeMissing = "TASK_TYPE_MISSING" => TaskDefinition,
    /// More than one task type was given.
    TaskTypeAmbiguous = "TASK_TYPE_AMBIGUOUS" => TaskDefinition,
    /// The task name is empty or not text.
    TaskNameInvalid = "TASK_NAME_INVALID" => TaskDefinition,
    /// The name is taken by an earlier task.
    TaskDuplicate = "TASK_DUPLICATE" => TaskDefinition,
    /// No such task option.
    TaskOptionUnknown = "TASK_OPTION_UNKNOWN" => TaskDefinition,
    /// A task option that must be given is not.
    TaskOptionMissing = "TASK_OPTION_MISSING" => TaskDefinition,
    /// A task option has the wrong type.
    TaskOptionType = "TASK_OPTION_TYPE" => TaskDefinition,
    /// A task option is outside its range.
    TaskOptionRange = "TASK_OPTION_RANGE" => TaskDefinition,
    /// `delay` and `schedule` exclude each other.
    DelayWithSchedule = "DELAY_WITH_SCHEDULE" => TaskDefinition,
    /// `package` is only for durable tasks.
    PackageRequiresDurable = "PACKAGE_REQUIRES_DURABLE" => TaskDefinition,
    /// The files of a package cannot be read, or are none.
    PackageInvalid = "PACKAGE_INVALID" => TaskDefinition,
    /// `package` needs `entrypoint`, as `module:function`.
    EntrypointInvalid = "ENTRYPOINT_INVALID" => TaskDefinition,
    /// A duration is not seconds, ISO 8601 text or an object of units.
    DurationInvalid = "DURATION_INVALID" => TaskDefinition,
    /// A run was asked for before any task was defined.
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
    /// The generated wait of a delayed task and another task have one id.
    WaitIdCollision = "WAIT_ID_COLLISION" => TaskDefinition,
    /// Another entry that is written along with a task (a body, a fork) and a task have one id.
    GeneratedIdCollision = "GENERATED_ID_COLLISION" => TaskDefinition,
    /// A dependency crosses the border of a branch, or a task runs in two branches.
    BranchCrossed = "BRANCH_CROSSED" => TaskDefinition,
    /// A part of a delay below one second is dropped by the document format.
    DelayTruncated = "DELAY_TRUNCATED" => TaskDefinition,
    /// The value given for the task does not fit its type and is passed on or dropped as Highway does.
    TaskValueUnusual = "TASK_VALUE_UNUSUAL" => TaskDefinition,

    /// The document has errors; the diagnostics list them.
    ValidationFailed = "VALIDATION_FAILED" => Validation,
    /// The document as a whole is not usable.
    DocumentInvalid = "DOCUMENT_INVALID" => Validation,
    /// The text is not JSON.
    JsonInvalid = "JSON_INVALID" => Validation,
    /// The text is not YAML, or uses a part of it that is not safe.
    YamlInvalid = "YAML_INVALID" => Validation,
    /// An object names a key twice.
    KeyDuplicate = "KEY_DUPLICATE" => Validation,
    /// A field has a value of the wrong type.
    FieldTypeInvalid = "FIELD_TYPE_INVALID" => Validation,
    /// A field that must be there is not.
    FieldMissing = "FIELD_MISSING" => Validation,
    /// A field has a value that it cannot have.
    FieldValueInvalid = "FIELD_VALUE_INVALID" => Validation,
    /// There is no such field; Highway drops it.
    FieldUnknown = "FIELD_UNKNOWN" => Validation,
    /// A value is taken for one of another type, as Highway does.
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
    /// Nothing waits for the branches of a fork.
    ForkNotAwaited = "FORK_NOT_AWAITED" => Validation,
    /// Nothing reads the answer of an approval, so that a rejection stops nothing.
    ApprovalUnread = "APPROVAL_UNREAD" => Validation,
    /// Something is larger, or more of it is there, than the engine or the server (413) allows; the help of an engine names the option.
    LimitExceeded = "LIMIT_EXCEEDED" => Execution,
    /// A template names nothing that is in scope.
    TemplateNameUnknown = "TEMPLATE_NAME_UNKNOWN" => Validation,
    /// A condition is not an expression.
    ConditionInvalid = "CONDITION_INVALID" => Validation,
    /// When the schedule fires next.
    ScheduleFirings = "SCHEDULE_FIRINGS" => Validation,
    /// A duration that must be above zero is not.
    DurationNotPositive = "DURATION_NOT_POSITIVE" => Validation,
    /// The waits between retries take longer than the time limit around them.
    RetryExceedsTimeout = "RETRY_EXCEEDS_TIMEOUT" => Validation,
    /// A template stands where none is filled in.
    TemplateLiteral = "TEMPLATE_LITERAL" => Validation,
    /// A task may take longer than the run, or the branches around it, may take.
    LimitExceedsTimeout = "LIMIT_EXCEEDS_TIMEOUT" => Validation,
    /// A task uses the result of another one that it does not wait for.
    DependencyMissing = "DEPENDENCY_MISSING" => Validation,
    /// Something is called like what belongs to the engine.
    NameReserved = "NAME_RESERVED" => Validation,
    /// A command or source is made with text that somebody else chooses.
    TextPasted = "TEXT_PASTED" => Validation,
    /// Delays, waits and retries on one way through a workflow take longer than what is around them may take.
    WaitExceedsTimeout = "WAIT_EXCEEDS_TIMEOUT" => Validation,
    /// A case of a switch can never match.
    CaseUnreachable = "CASE_UNREACHABLE" => Validation,
    /// A builder was given an option that it takes for an argument of the tool.
    OptionMerged = "OPTION_MERGED" => Validation,
    /// A builder was given an option that it ignores, as Highway's does.
    OptionIgnored = "OPTION_IGNORED" => Validation,
    /// A call of a builder has no effect on the current operator.
    ModifierIgnored = "MODIFIER_IGNORED" => Validation,
    /// A task replaces an earlier one of its id.
    TaskOverwritten = "TASK_OVERWRITTEN" => Validation,
    /// A builder was asked to modify an operator before there is one.
    NoCurrentTask = "NO_CURRENT_TASK" => Validation,
    /// There is no such method of a builder.
    MethodUnknown = "METHOD_UNKNOWN" => Validation,
    /// The operator is not one that this engine runs.
    OperatorUnsupported = "OPERATOR_UNSUPPORTED" => Validation,
    /// A value that JSON cannot carry (a function, a symbol, NaN, a too large integer).
    ValueNotJson = "VALUE_NOT_JSON" => Validation,

    /// 400, 422 or another refusal of the request as sent.
    ApiBadRequest = "API_BAD_REQUEST" => Api,
    /// 401: the key is not accepted.
    ApiUnauthorized = "API_UNAUTHORIZED" => Api,
    /// 403: the key lacks a permission.
    ApiForbidden = "API_FORBIDDEN" => Api,
    /// 404: no such run, workflow or path.
    ApiNotFound = "API_NOT_FOUND" => Api,
    /// 409: the request conflicts with what the server has.
    ApiConflict = "API_CONFLICT" => Api,
    /// 429: too many requests.
    ApiRateLimited = "API_RATE_LIMITED" => Api,
    /// The server redirects elsewhere; the credential is not sent there.
    ApiRedirected = "API_REDIRECTED" => Api,
    /// 501: the server does not offer this.
    ApiNotImplemented = "API_NOT_IMPLEMENTED" => Api,
    /// 5xx, after all retries.
    ApiServerError = "API_SERVER_ERROR" => Api,
    /// The server could not be reached, or the connection broke, after all retries.
    ApiUnreachable = "API_UNREACHABLE" => Api,
    /// The answer is not what the API promises (HTML, broken JSON, a missing run id).
    ApiResponseInvalid = "API_RESPONSE_INVALID" => Api,

    /// The answer is larger than the client takes.
    ApiResponseTooLarge = "API_RESPONSE_TOO_LARGE" => Api,
    /// The server has failed so often in a row that it is left alone for a while.
    ApiCircuitOpen = "API_CIRCUIT_OPEN" => Api,
    /// The Python functions of a workflow could not be uploaded, so it was not submitted.
    ArtifactUploadFailed = "ARTIFACT_UPLOAD_FAILED" => Submission,

    /// One request took longer than its limit.
    RequestTimeout = "REQUEST_TIMEOUT" => Timeout,
    /// The run was not over within the time the caller was ready to wait; it goes on.
    WaitTimeout = "WAIT_TIMEOUT" => Timeout,
    /// The caller's signal fired.
    Aborted = "ABORTED" => Aborted,

    /// The run ended as failed, without a more precise code.
    RunFailed = "RUN_FAILED" => Execution,
    /// Somebody cancelled the run.
    RunCancelled = "RUN_CANCELLED" => Execution,
    /// The run passed its own time limit.
    RunTimedOut = "RUN_TIMED_OUT" => Execution,
    /// The journal of an engine is damaged.
    JournalInvalid = "JOURNAL_INVALID" => Execution,
    /// The store of an engine belongs to another engine.
    StoreInUse = "STORE_IN_USE" => Execution,
    /// What must hold before a task, or of its result, does not.
    GuardFailed = "GUARD_FAILED" => Execution,
    /// A task's attempt passed its time limit.
    TaskTimedOut = "TASK_TIMED_OUT" => Execution,
    /// A tool failed.
    ToolFailed = "TOOL_FAILED" => Execution,
    /// A shell command or a script ended with an exit code other than 0.
    ExitCodeNonzero = "EXIT_CODE_NONZERO" => Execution,
    /// No tool of that name is registered with the engine.
    ToolNotRegistered = "TOOL_NOT_REGISTERED" => Execution,
    /// The tool needs something this machine lacks (python3, a shell).
    ToolUnavailable = "TOOL_UNAVAILABLE" => Execution,
    /// The tool's arguments are not what it takes.
    ToolArgumentsInvalid = "TOOL_ARGUMENTS_INVALID" => Execution,
    /// A template names nothing that is in scope.
    TemplateUnresolved = "TEMPLATE_UNRESOLVED" => Execution,
    /// Something between `{{` and `}}` starts like a path and is none.
    TemplateInvalid = "TEMPLATE_INVALID" => Execution,
    /// The engine was closed while the run was under way.
    EngineClosed = "ENGINE_CLOSED" => Execution,

    /// Known to Highway, but not offered by this package.
    NotSupported = "NOT_SUPPORTED" => NotSupported,

    /// The module was used before `init()` (only `/slim` and `/web` need it).
    NotInitialized = "NOT_INITIALIZED" => Wasm,
    /// The module could not be fetched, compiled or started.
    WasmLoadFailed = "WASM_LOAD_FAILED" => Wasm,
    /// The module stopped at an internal error; a defect of this package.
    WasmPanic = "WASM_PANIC" => Wasm,
}
