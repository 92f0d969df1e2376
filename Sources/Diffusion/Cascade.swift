import TensorEngine

/// A model folder: its settings read and checked, its weights mapped but not read.
///
/// The folder is what diffusers writes for UnCLIPPipeline; cascade.json, where there is one, names the
/// stages.
///
///     let cascade = try Cascade(folder: "weights/emoji")
///     for stage in try cascade.description.stages(forSize: 256) { print(stage.name, stage.steps) }
package final class Cascade: Sendable {
    /// The folder's path as it was given.
    package let folder: String
    /// What the farm knows of the model.
    package let description: CascadeDescription
    /// Turns prompts into the text tower's tokens.
    package let tokenizer: CLIPTokenizer
    /// Sizes of the text tower.
    package let textEncoder: TextEncoderConfig
    /// Sizes of what feeds CLIP's embeddings to the decoder.
    package let textProjection: TextProjectionConfig
    /// In the order in which they run.
    package let stages: [CascadeStage]
    /// Paths, below the folder, of the files that pictures depend on, sorted.
    package let usedFiles: [String]
    private let weights: [String: ComponentWeights]

    /// Folders whose weights every cascade reads, besides its stages'.
    package static let textComponents = ["text_encoder", "text_proj"]

    /// Reads the folder and computes its hash, which takes seconds for each gigabyte that is new.
    ///
    /// - Parameter rehashing: whether to hash files again that were hashed before and have not changed.
    package init(folder: String, rehashing: Bool = false) throws(ModelError) {
        let reader = try CascadeReader(folder: folder)
        stages = try reader.stages()
        let text = try reader.config("text_encoder", classes: ["CLIPTextModelWithProjection"])
        let projection = try reader.config("text_proj", classes: ["UnCLIPTextProjModel"])
        let tower = try TextEncoderConfig(file: text)
        textProjection = try TextProjectionConfig(file: projection)
        tokenizer = try CLIPTokenizer(folder: joined(folder, "tokenizer"), positions: tower.positions)
        textEncoder = tower.resolvingEndOfText(tokenizer)
        try Self.check(textEncoder, tokenizer, textProjection, stages, files: (text.path, projection.path))

        var weights: [String: ComponentWeights] = [:]
        for component in Self.textComponents + stages.flatMap(\.components) where weights[component] == nil {
            weights[component] = try ComponentWeights(folder: joined(folder, component))
        }
        self.weights = weights
        self.folder = folder
        usedFiles = Self.usedFiles(folder, reader, stages, weights.values)
        description = CascadeDescription(
            name: try reader.name(), version: try reader.version(),
            hash: try ModelHash.hexadecimal(
                folder: folder, files: usedFiles,
                cache: rehashing ? DigestCache(path: nil) : DigestCache.standard()),
            stages: stages.map(\.description))
    }

    /// The names of the components that have weights, sorted.
    package var components: [String] { weights.keys.sorted() }

    /// The stage of this name.
    package func stage(_ name: String) -> CascadeStage? { stages.first { $0.description.name == name } }

    /// The weights of a component.
    package func weights(of component: String) throws(ModelError) -> ComponentWeights {
        guard let found = weights[component] else {
            throw .missingComponent(folder: folder, component: component, file: "\(component)/config.json")
        }
        return found
    }

    /// Throws where a file of weights is no longer what was opened.
    func checkUnchanged() throws(ModelError) {
        for component in weights.values { try component.checkUnchanged() }
    }

    /// Whether widths agree where one network's result is another's input.
    private static func check(
        _ text: TextEncoderConfig, _ tokenizer: CLIPTokenizer, _ projection: TextProjectionConfig,
        _ stages: [CascadeStage], files: (text: String, projection: String)
    ) throws(ModelError) {
        func agree(_ file: String, _ key: String, _ value: Int, _ other: String, _ otherValue: Int)
            throws(ModelError)
        {
            guard value != otherValue else { return }
            throw .contradiction(file: file, reason: "\(key) is \(value), but \(other) is \(otherValue)")
        }
        guard tokenizer.vocabulary <= text.vocabulary else {
            throw .contradiction(
                file: files.text,
                reason:
                    "vocab_size is \(text.vocabulary), but the tokenizer has ids up to"
                    + " \(tokenizer.vocabulary - 1)"
            )
        }
        try agree(files.text, "hidden_size", text.width, "projection_dim", text.projection)
        for stage in stages {
            switch stage.network {
            case .prior(let prior):
                let embedding = prior.embedding
                try agree(
                    files.text, "projection_dim", text.projection, "the prior's embedding_dim", embedding)
                try agree(
                    files.text, "max_position_embeddings", text.positions, "the prior's num_embeddings",
                    prior.textTokens)
                try agree(
                    files.projection, "clip_embeddings_dim", projection.embedding,
                    "the prior's embedding_dim",
                    embedding)
            case .decoder(let decoder):
                try agree(
                    files.projection, "cross_attention_dim", projection.contextChannels, "the decoder's",
                    decoder.attention?.contextChannels ?? 0)
                try agree(
                    files.projection, "time_embed_dim", projection.timeChannels,
                    "four times the decoder's first channels", 4 * (decoder.channels.first ?? 0))
            case .superResolution: break
            }
        }
    }

    private static func usedFiles(
        _ folder: String, _ reader: CascadeReader, _ stages: [CascadeStage],
        _ weights: some Collection<ComponentWeights>
    ) -> [String] {
        var files: Set = ["model_index.json"]
        if reader.hasCascadeFile { files.insert("cascade.json") }
        for component in textComponents + stages.flatMap(\.components) {
            files.insert("\(component)/config.json")
        }
        for stage in stages { files.insert("\(stage.schedulerComponent)/scheduler_config.json") }
        let tokenizer = joined(folder, "tokenizer")
        let pairs =
            isFile(joined(tokenizer, "vocab.json")) ? ["vocab.json", "merges.txt"] : ["tokenizer.json"]
        for name in pairs + ["tokenizer_config.json", "special_tokens_map.json"]
        where isFile(joined(tokenizer, name)) {
            files.insert("tokenizer/\(name)")
        }
        for component in weights {
            for path in component.files.map(\.name) + (component.indexFile.map { [$0] } ?? []) {
                files.insert(String(path.dropFirst(joined(folder, "").count)))
            }
        }
        return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
