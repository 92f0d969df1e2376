import ArgumentParser
import Client
import Diffusion
import Farm
import Foundation

/// `tessera submit`: a batch of prompts becomes a job.
struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Submits a file of prompts as one job and prints the job's number.",
        discussion: """
            PROMPTS is a .txt file (a prompt a line), a .csv file (a header with 'prompt' and any of the \
            fields below) or a .jsonl file (an object a line: prompt, seed, size, steps, guidance, count). \
            Options hold for every line that says nothing else. Picture k of the job (from 0) gets the seed \
            plus k.

            tessera submit prompts.txt --size 256 --count 4 --wait --out pictures
            """)

    @Argument(help: "The file, or - for standard input.")
    var prompts: String

    @Option(help: "How the file is written: txt, csv or jsonl; as its name ends when not given.")
    var format: PromptFormat?

    @Option(help: "The model's name, or name@hash; the farm's only model, else 'emoji', when not given.")
    var model: String?

    @OptionGroup var picture: PictureOptions

    @Option(help: "Pictures of each prompt.")
    var count = 1

    @Option(help: "Higher goes first: -1000 to 1000.")
    var priority = 0

    @Option(help: "A name for the job.")
    var name = ""

    @Flag(help: "Stay until the job is over, with progress.")
    var wait = false

    @Option(help: "Write pictures and manifest.jsonl into a folder that has none yet; needs --wait.")
    var out: String?

    @OptionGroup var connection: ConnectOptions

    func validate() throws {
        if out != nil, !wait { throw ValidationError("--out needs --wait; or use `tessera fetch` later.") }
        guard (-1000...1000).contains(priority) else {
            throw ValidationError("--priority is \(priority); it must be -1000 to 1000.")
        }
        try TextLimits.check(name, option: "--name", mayBeEmpty: true)
        if let model { try TextLimits.check(model, option: "--model") }
    }

    func run() throws {
        let defaults = try PromptDefaults(
            size: picture.size, seed: picture.seed, count: count, steps: try picture.stepsByStage(),
            guidance: picture.guidance, precision: picture.precision == .fast ? .fast : .exact)
        let file = try PromptFile(path: prompts, format: format, defaults: defaults)
        let folder = try out.map { path throws(ClientError) in try PictureFolder(path: path) }
        let client = try connection.client()
        try folder?.check(for: nil, of: client.server.farm)
        let terms = JobTerms(
            model: model ?? Self.usualModel(of: client.server), name: name, priority: priority)
        var bar = ProgressBar(title: "submitting", unit: "images")
        let job = try client.submit(file, as: terms) { sent, total in
            bar.show(done: Double(sent), total: Double(total))
        }
        print("\(job)")
        fflush(nil)  // whoever reads a pipe wants the number now, not when the job is over
        guard wait else { return }
        try JobProgress.follow(job, client: client, folder: folder)
    }

    private static func usualModel(of server: ServerDescription) -> String {
        let names = Set(server.models.map(\.key.name))
        return names.count == 1 ? names.first ?? "emoji" : "emoji"
    }
}

extension PromptFormat: ExpressibleByArgument {}
