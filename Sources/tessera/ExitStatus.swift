import ArgumentParser
import Client
import Coordinator
import Diffusion
import Farm
import TensorEngine
import ZeroMQ

/// The exit codes of every command (0 is success). See `tessera --help`.
enum ExitStatus: Int32 {
    /// It failed, or it finished and some images failed.
    case failed = 1
    /// Options, prompts or model files are not usable (sysexits' EX_USAGE).
    case usage = 64
    /// The coordinator does not answer (sysexits' EX_UNAVAILABLE).
    case unreachable = 69
    /// Stopped by Ctrl-C.
    case interrupted = 130

    /// For ArgumentParser.
    var code: ExitCode { ExitCode(rawValue) }

    /// The status for an error that reached the top; nil for ArgumentParser's own, which print themselves.
    init?(_ error: any Error) {
        switch error {
        case is PromptFileError, is RequestError, is ModelError, is CascadeError, is EngineError,
            is SynthesisError, is KeyError, is UsageError:
            self = .usage
        case let error as ClientError: self = Self.status(error)
        case let error as CoordinatorError: self = Self.status(error)
        case StageError.model, StageError.engine, StageError.unknownStage, StageError.steps: self = .usage
        case StageError.interrupted: self = .interrupted
        case is ExitCode, is CleanExit, is ValidationError: return nil
        default:
            // ArgumentParser's own are not public. It knows their exit codes: 0 for help, 64 for usage.
            if TesseraCommand.exitCode(for: error) != .failure { return nil }
            self = .failed
        }
    }

    private static func status(_ error: ClientError) -> ExitStatus {
        switch error {
        case .coordinatorNotReachable, .keyNotAccepted: .unreachable
        case .interrupted: .interrupted
        case .prompts: .usage
        case .refused(let refusal) where refusal.code == .notFound || refusal.code == .invalid: .usage
        default: .failed
        }
    }

    private static func status(_ error: CoordinatorError) -> ExitStatus {
        switch error {
        case .notLoopback, .keys, .noBlobPort, .network(.invalidEndpoint): .usage
        default: .failed
        }
    }
}

/// Something that the user gave does not fit; the text says what, where and what to do.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Something went wrong that is nobody's input; the text says what, where and what to do.
struct OperationError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
