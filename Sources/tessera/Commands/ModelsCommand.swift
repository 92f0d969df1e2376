import ArgumentParser
import Diffusion
import Foundation

/// `tessera models`: what is there and whether it is sound.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Lists, describes, checks and synthesizes model folders.",
        subcommands: [ListModels.self, InspectModel.self, VerifyModel.self, SynthesizeModel.self],
        defaultSubcommand: ListModels.self)
}

/// `tessera models list`.
struct ListModels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the model folders in weights/ and in $TESSERA_MODELS.")

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let models = ModelLibrary.list(in: ModelLibrary.searchFolders())
        if json { return try Output.json(models) }
        var table = TextTable("NAME", "VERSION", "SIZES", "FOLDER")
        for model in models {
            let sizes = model.sizes.map(String.init).joined(separator: ", ")
            table.add(model.name, "\(model.version)", sizes, model.folder)
        }
        print(table.text)
        for problem in models.compactMap(\.problem) { Output.remark(problem) }
    }
}

/// `tessera models inspect`.
struct InspectModel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Describes a model: its stages, components, parameters and hash.")

    @Argument(help: "A model folder, or the name of a model in the list.")
    var model: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let inspection = try ModelInspection(try ModelChoice.open(model))
        if json { return try Output.json(inspection) }
        let cascade = inspection.cascade
        print("\(cascade.name), version \(cascade.version), in \(inspection.folder)")
        print("hash \(cascade.hash)\n")
        var stages = TextTable("STAGE", "STEPS", "GUIDANCE", "SIZE")
        for stage in cascade.stages {
            stages.add(
                stage.name, "\(stage.steps)", stage.guidance.map { "\($0)" } ?? "",
                stage.size.map { "\($0)" } ?? "")
        }
        print(stages.text + "\n")
        var components = TextTable("COMPONENT", "TENSORS", "PARAMETERS", "BYTES", "TYPES")
        for component in inspection.components {
            components.add(
                component.name, "\(component.tensors)", "\(component.parameters)", "\(component.bytes)",
                component.types.joined(separator: ", "))
        }
        components.add("all", "", "\(inspection.parameters)", "\(inspection.bytes)")
        print(components.text)
    }
}

/// `tessera models verify`.
struct VerifyModel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every weight of a model and builds every network, to find what is missing or broken."
    )

    @Argument(help: "A model folder, or the name of a model in the list.")
    var model: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let cascade = try ModelChoice.open(model, rehashing: true)
        let verification = ModelVerification(cascade)
        let problems = verification.problems.map(\.description)
        if json {
            try Output.json(Report(hash: cascade.description.hash, problems: problems))
        } else {
            for problem in problems { Output.remark(problem) }
            let verdict = problems.isEmpty ? "sound" : "\(problems.count) problems"
            print(
                "\(cascade.folder): \(verdict); \(verification.tensors) tensors, "
                    + "\(verification.values) values, hash \(cascade.description.hash)")
        }
        if !problems.isEmpty { throw ExitStatus.failed.code }
    }

    private struct Report: Encodable {
        let hash: String
        let problems: [String]
    }
}
