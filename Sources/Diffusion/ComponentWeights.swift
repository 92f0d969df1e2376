import Glibc
package import TensorEngine

/// The weights of one component of a model: a folder with one safetensors file, or with several and an index.
package final class ComponentWeights: Sendable {
    /// The component's folder.
    package let folder: String
    /// The files that hold the weights, opened and checked.
    package let files: [SafetensorsFile]
    /// The index that names the files, where there are several.
    package let indexFile: String?
    /// The file, by position in `files`, that holds each tensor.
    private let places: [String: Int]

    private static let stems = ["diffusion_pytorch_model", "model"]
    /// Names that weights go by, the first that is there counts: full precision before the fp16 variant.
    private static let names =
        stems.flatMap { stem in
            ["\(stem).safetensors", "\(stem).safetensors.index.json"]
        }
        + stems.flatMap { stem in
            ["\(stem).fp16.safetensors", "\(stem).safetensors.index.fp16.json"]
        }
    private static let pickles =
        stems.flatMap { stem in ["\(stem).bin", "\(stem).fp16.bin"] } + ["pytorch_model.bin"]

    /// Opens the weights in `folder` and checks the files, but reads no tensor.
    package init(folder: String) throws(ModelError) {
        self.folder = folder
        guard let name = Self.names.first(where: { isFile(joined(folder, $0)) }) else {
            if let pickle = Self.pickles.first(where: { isFile(joined(folder, $0)) }) {
                throw .onlyPickle(folder: folder, file: pickle)
            }
            throw .noWeights(folder: folder, lookedFor: Self.names)
        }
        let path = joined(folder, name)
        if name.hasSuffix(".json") {
            indexFile = path
            (files, places) = try Self.shards(index: path, folder: folder)
        } else {
            indexFile = nil
            let file = try Self.open(path)
            files = [file]
            places = file.entries.mapValues { _ in 0 }
        }
    }

    /// The names of all tensors, sorted.
    package var names: [String] { places.keys.sorted() }

    /// Whether there is a tensor of this name.
    package func has(_ name: String) -> Bool { places[name] != nil }

    /// Element type and shape of a tensor; nil where there is none of this name.
    package func entry(_ name: String) -> SafetensorsEntry? {
        places[name].flatMap { files[$0].entries[name] }
    }

    /// The file that holds the tensor; the first file for one that does not exist.
    package func path(of name: String) -> String {
        files[places[name] ?? 0].name
    }

    /// The tensor's elements where they lie.
    ///
    /// - Throws: `ModelError`, where the tensor is missing, has another shape, or its type is not F32, F16
    /// or BF16.
    package func weights(_ name: String, shape: [Int]) throws(ModelError) -> Weights {
        guard let place = places[name], let entry = files[place].entries[name] else {
            throw .missingTensor(file: path(of: name), tensor: name)
        }
        guard entry.shape == shape else {
            throw .wrongShape(file: path(of: name), tensor: name, expected: shape, found: entry.shape)
        }
        do {
            return try files[place].weights(name)
        } catch {
            throw .safetensors(error)
        }
    }

    /// The tensor's elements as f32, in C order, whatever its shape.
    package func floats(_ name: String) throws(ModelError) -> [Float] {
        guard let place = places[name] else { throw .missingTensor(file: path(of: name), tensor: name) }
        do {
            return try files[place].floats(name)
        } catch {
            throw .safetensors(error)
        }
    }

    /// Throws where a file is no longer what was opened.
    package func checkUnchanged() throws(ModelError) {
        do {
            for file in files { try file.checkUnchanged() }
        } catch {
            throw .safetensors(error)
        }
    }

    /// Tells the system that all tensors will be read soon.
    package func prefetch() {
        for file in files { file.prefetch() }
    }

    private static func open(_ path: String) throws(ModelError) -> SafetensorsFile {
        do {
            return try SafetensorsFile(path: path)
        } catch {
            throw .safetensors(error)
        }
    }

    /// The files of an index: {"weight_map": {tensor: file}}.
    private static func shards(
        index: String, folder: String
    ) throws(ModelError) -> (files: [SafetensorsFile], places: [String: Int]) {
        let config = try ConfigFile(path: index, maximumBytes: 1 << 26)
        guard case .object(let map)? = config["weight_map"], !map.isEmpty else {
            throw config.fault("weight_map", expected: "an object from tensor to file")
        }
        var files: [SafetensorsFile] = []
        var positions: [String: Int] = [:]
        var places: [String: Int] = [:]
        for (tensor, value) in map.sorted(by: { $0.key < $1.key }) {
            guard case .string(let shard) = value, shard.hasSuffix(".safetensors"),
                !shard.hasPrefix("."), !shard.contains("/"), !shard.contains("\0")
            else { throw .badShardName(file: index, shard: value.summary) }
            if positions[shard] == nil {
                positions[shard] = files.count
                files.append(try open(joined(folder, shard)))
            }
            guard let position = positions[shard], files[position].entries[tensor] != nil else {
                throw .shardLacks(file: index, shard: shard, tensor: tensor)
            }
            places[tensor] = position
        }
        return (files, places)
    }
}

/// Whether there is something at `path` that is not a folder.
func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
}

/// Whether there is a folder at `path`.
func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
