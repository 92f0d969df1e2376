import TensorEngine

/// Reads the settings of a model folder: what there is, in which order, and whether it fits together.
struct CascadeReader {
    let folder: String
    private let index: ConfigFile
    private let cascade: ConfigFile?

    init(folder: String) throws(ModelError) {
        self.folder = folder
        guard isFolder(folder) else { throw .folderMissing(folder) }
        let indexPath = joined(folder, "model_index.json")
        guard isFile(indexPath) else { throw .notAModel(folder: folder) }
        index = try ConfigFile(path: indexPath)
        guard index.values["_class_name"] == .string("UnCLIPPipeline") else {
            throw index.fault(
                "_class_name", expected: "\"UnCLIPPipeline\", the only pipeline that is supported")
        }
        let cascadePath = joined(folder, "cascade.json")
        cascade = isFile(cascadePath) ? try ConfigFile(path: cascadePath) : nil
        if let cascade { _ = try cascade.integer("format", in: 1...1) }
    }

    /// The model's name: cascade.json's, or else the folder's.
    func name() throws(ModelError) -> String {
        guard let cascade else {
            let parts = folder.split(separator: "/")
            return parts.last { $0 != "." && $0 != ".." }.map(String.init) ?? "model"
        }
        return try Self.word("name", in: cascade)
    }

    func version() throws(ModelError) -> Int {
        try cascade?.integer("version", standard: 0, in: 0...1_000_000_000) ?? 0
    }

    /// Whether the folder has its own cascade.json.
    var hasCascadeFile: Bool { cascade != nil }

    // MARK: Components

    /// A component's settings; its class must be one of `classes`.
    func config(
        _ component: String, classes: [String], file: String = "config.json"
    ) throws(ModelError) -> ConfigFile {
        let path = joined(joined(folder, component), file)
        guard isFile(path) else {
            throw .missingComponent(folder: folder, component: component, file: "\(component)/\(file)")
        }
        let config = try ConfigFile(path: path)
        let expected = listed(classes)
        if case .array(let pair)? = index[component], pair.count == 2, case .string(let named) = pair[1],
            !classes.contains(named)
        {
            throw .badValue(file: index.path, key: component, value: named, expected: expected)
        }
        switch (config["_class_name"], config["architectures"]) {
        case (.string(let name)?, _) where !classes.contains(name):
            throw config.fault("_class_name", expected: expected)
        case (nil, .array(let names)?) where !names.contains { classes.map(JSONValue.string).contains($0) }:
            throw config.fault("architectures", expected: expected)
        default: return config
        }
    }

    private func scheduler(_ component: String) throws(ModelError) -> UnCLIPScheduler {
        let file = try config(component, classes: ["UnCLIPScheduler"], file: "scheduler_config.json")
        return try UnCLIPScheduler(file: file)
    }

    // MARK: Stages

    /// The stages in order, checked one by one and against each other.
    func stages() throws(ModelError) -> [CascadeStage] {
        var stages: [CascadeStage] = []
        for entry in try entries() {
            let stage = try stage(entry, after: stages.last)
            guard !stages.contains(where: { $0.description.name == stage.description.name }) else {
                throw .contradiction(file: entry.path, reason: "another stage has the same name")
            }
            stages.append(stage)
        }
        guard stages.count >= 2 else {
            throw .contradiction(
                file: cascade?.path ?? index.path, reason: "a cascade needs at least a prior and a decoder")
        }
        return stages
    }

    /// Each stage's settings, under a path that names the stage.
    private func entries() throws(ModelError) -> [ConfigFile] {
        guard let cascade else { return standardEntries() }
        guard case .array(let values)? = cascade["stages"], (2...8).contains(values.count) else {
            throw cascade.fault("stages", expected: "a list of 2 to 8 stages")
        }
        var entries: [ConfigFile] = []
        for (number, value) in values.enumerated() {
            guard case .object(let members) = value else {
                throw cascade.fault("stages", expected: "a list of objects")
            }
            entries.append(ConfigFile(path: "\(cascade.path), stage \(number + 1)", values: members))
        }
        return entries
    }

    /// The stages of a folder that diffusers wrote.
    private func standardEntries() -> [ConfigFile] {
        var upscaler: [String: JSONValue] = [
            "component": .string("super_res_first"), "scheduler": .string("super_res_scheduler"),
            "steps": .integer(7),
        ]
        if index["super_res_last"] != nil { upscaler["last_component"] = .string("super_res_last") }
        let stages: [[String: JSONValue]] = [
            [
                "component": .string("prior"), "scheduler": .string("prior_scheduler"), "steps": .integer(25),
                "guidance": .number(4),
            ],
            [
                "component": .string("decoder"), "scheduler": .string("decoder_scheduler"),
                "steps": .integer(25), "guidance": .number(8),
            ],
            upscaler,
        ]
        return stages.map { ConfigFile(path: index.path, values: $0) }
    }

    private func stage(_ entry: ConfigFile, after former: CascadeStage?) throws(ModelError) -> CascadeStage {
        let component = try Self.word("component", in: entry)
        let last = entry["last_component"] == nil ? nil : try Self.word("last_component", in: entry)
        let schedulerName = try Self.word("scheduler", in: entry)
        let network = try network(component, last: last, entry, after: former)
        let scheduler = try scheduler(schedulerName)
        try check(scheduler, schedulerName, fits: network)

        let (standardName, size): (String, Int?) =
            switch network {
            case .prior: ("prior", nil)
            case .decoder(let config): ("base\(config.size)", config.size)
            case .superResolution(let config, _): ("up\(config.size)", config.size)
            }
        if let size, entry["size"] != nil, entry["size"] != .integer(size) {
            throw entry.fault("size", expected: "\(size), the sample_size of \(component)/config.json")
        }
        var guidance: Double?
        if case .superResolution = network {
            if entry["guidance"] != nil { throw entry.fault("guidance", expected: "left out of this stage") }
        } else {
            guidance = try entry.number("guidance", standard: former == nil ? 4 : 8, in: 0...50)
        }
        return CascadeStage(
            description: StageDescription(
                name: entry["name"] == nil ? standardName : try Self.word("name", in: entry),
                steps: try entry.integer("steps", in: 2...min(1000, scheduler.trainingSteps)),
                guidance: guidance, size: size),
            network: network, component: component, lastComponent: last == component ? nil : last,
            scheduler: scheduler, schedulerComponent: schedulerName)
    }

    /// The network of a stage; the first is a prior, the second a decoder, the others enlarge four times.
    private func network(
        _ component: String, last: String?, _ entry: ConfigFile, after former: CascadeStage?
    ) throws(ModelError) -> CascadeStage.Network {
        guard let former else {
            return .prior(try PriorConfig(file: config(component, classes: ["PriorTransformer"])))
        }
        guard let size = former.description.size else {
            return .decoder(try UNetConfig(decoder: config(component, classes: ["UNet2DConditionModel"])))
        }
        let first = try UNetConfig(superResolution: config(component, classes: ["UNet2DModel"]))
        guard first.size == 4 * size else {
            throw .contradiction(
                file: entry.path,
                reason: "\(component) makes pictures of \(first.size) pixels, but must make \(4 * size),"
                    + " four times the stage before it")
        }
        guard let last, last != component else { return .superResolution(first, last: nil) }
        let final = try UNetConfig(superResolution: config(last, classes: ["UNet2DModel"]))
        guard final.size == first.size else {
            throw .contradiction(
                file: entry.path,
                reason: "\(component) is made for \(first.size) pixels, but \(last) for \(final.size)")
        }
        return .superResolution(first, last: final)
    }

    private func check(
        _ scheduler: UnCLIPScheduler, _ name: String, fits network: CascadeStage.Network
    ) throws(ModelError) {
        let path = joined(joined(folder, name), "scheduler_config.json")
        let outputs: Int? = if case .decoder(let config) = network { config.outputs } else { nil }
        if scheduler.variance == .learnedRange, outputs != 6 {
            throw .contradiction(
                file: path,
                reason: "variance_type is learned_range, but the network does not predict variances")
        }
        if scheduler.variance == .fixedSmall, let outputs, outputs != 3 {
            throw .contradiction(
                file: path, reason: "variance_type is fixed_small_log, but the decoder predicts variances")
        }
    }

    /// A plain word, which cannot name a path outside the folder.
    private static func word(_ key: String, in file: ConfigFile) throws(ModelError) -> String {
        guard case .string(let text)? = file[key], let first = text.utf8.first, text.utf8.count <= 64,
            text.utf8.allSatisfy(isPlain), first != UInt8(ascii: "."), first != UInt8(ascii: "-")
        else {
            throw file.fault(key, expected: "a word of at most 64 letters, digits, “_”, “-” or “.”")
        }
        return text
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
