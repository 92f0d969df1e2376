import ArgumentParser

/// `tessera`: one binary whose subcommand picks the role.
@main
struct TesseraCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tessera",
        abstract: "A render farm for cascaded text-to-image diffusion on Linux boxes without GPUs.",
        discussion: """
            One picture, no farm:     tessera render "a strawberry on a blue background" --out strawberry.png
            A farm on this machine:   tessera up
            A batch for the farm:     tessera submit prompts.txt --wait --out pictures

            Exit codes: 0 done; 1 failed, or finished with some images failed; 64 wrong usage or input;
            69 coordinator not reachable; 130 interrupted.
            """,
        version: TesseraVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Farm",
                subcommands: [
                    UpCommand.self, CoordinatorCommand.self, WorkerCommand.self, KeysCommand.self,
                    DoctorCommand.self,
                ]),
            CommandGroup(
                name: "Jobs",
                subcommands: [
                    SubmitCommand.self, JobsCommand.self, StatusCommand.self, WatchCommand.self,
                    WorkersCommand.self, CancelCommand.self, PauseCommand.self, ResumeCommand.self,
                    RetryCommand.self, FetchCommand.self,
                ]),
            CommandGroup(
                name: "One process",
                subcommands: [RenderCommand.self, VerifyCommand.self, ModelsCommand.self, BenchCommand.self]),
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try OpenFileLimit.raise()
            try command.run()
        } catch {
            guard let status = ExitStatus(error) else { exit(withError: error) }
            let lines = "\(error)".split(separator: "\n", omittingEmptySubsequences: false)
            Output.remark("tessera: " + lines.map { String($0).onOneLine }.joined(separator: "\n"))
            exit(withError: status.code)
        }
    }
}

/// The program's version, for people and for HELLO.
enum TesseraVersion {
    static let text = "0.1.0"
}
