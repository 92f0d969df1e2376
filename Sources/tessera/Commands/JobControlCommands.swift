import ArgumentParser
import Client
import Farm

/// `tessera cancel`.
struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Stops a job; finished pictures stay.")

    @OptionGroup var control: JobControl

    func run() throws { try control.run(.cancel) }
}

/// `tessera pause`.
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Begins no new task of a job; running ones finish.")

    @OptionGroup var control: JobControl

    func run() throws { try control.run(.pause) }
}

/// `tessera resume`.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lets a paused job go on.")

    @OptionGroup var control: JobControl

    func run() throws { try control.run(.resume) }
}

/// `tessera retry`.
struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Starts a job's failed and cancelled images again.")

    @OptionGroup var control: JobControl

    func run() throws { try control.run(.retry) }
}

/// What the four commands share.
struct JobControl: ParsableArguments {
    @OptionGroup var job: JobArgument

    @Flag(help: "Print the job's new state as JSON.")
    var json = false

    @OptionGroup var connection: ConnectOptions

    /// Asks for the action and prints the job's state after it.
    func run(_ action: JobAction) throws {
        let view = JobView(try connection.client().control(job.id, action))
        if json { try Output.json(view) } else { print(view.text) }
    }
}
