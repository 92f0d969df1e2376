package import TensorEngine

/// What is wrong with a model folder.
package enum ModelError: Error, Hashable, Sendable, CustomStringConvertible {
    case folderMissing(String)
    case notAModel(folder: String)
    case unknownModel(String, known: [String], searched: [String])
    case unreadable(FileError)
    case brokenJSON(file: String, JSONError)
    case notObject(file: String)
    case missingKey(file: String, key: String)
    case badValue(file: String, key: String, value: String, expected: String)
    case missingComponent(folder: String, component: String, file: String)
    case contradiction(file: String, reason: String)
    case noWeights(folder: String, lookedFor: [String])
    case onlyPickle(folder: String, file: String)
    case badShardName(file: String, shard: String)
    case shardLacks(file: String, shard: String, tensor: String)
    case safetensors(SafetensorsError)
    case missingTensor(file: String, tensor: String)
    case wrongShape(file: String, tensor: String, expected: [Int], found: [Int])
    case notFinite(file: String, tensor: String, count: Int)

    /// A sentence for the user.
    package var description: String {
        switch self {
        case .folderMissing(let folder): "There is no folder \(folder)."
        case .notAModel(let folder):
            "\(folder) is not a model folder: it has no model_index.json. Name a folder in diffusers'"
                + " UnCLIP layout."
        case .unknownModel(let name, let known, let searched):
            known.isEmpty
                ? "There is no model \(name): no models were found in \(searched.joined(separator: ", "))."
                    + " Name a model's folder, or set TESSERA_MODELS to a folder of models."
                : "There is no model \(name); there is \(known.joined(separator: ", ")). Name one, or a"
                    + " model's folder."
        case .unreadable(let error): error.description
        case .brokenJSON(let file, let error): "\(file) cannot be used: \(error)."
        case .notObject(let file): "\(file) cannot be used: it must hold a JSON object."
        case .missingKey(let file, let key): "\(file) lacks “\(key)”."
        case .badValue(let file, let key, let value, let expected):
            "\(file): “\(key)” is \(value), but must be \(expected)."
        case .missingComponent(let folder, let component, let file):
            "\(folder) has no component “\(component)”: there is no file \(file)."
        case .contradiction(let file, let reason): "\(file): \(reason)."
        case .safetensors(let error): error.description
        default: weightsSentence
        }
    }

    private var weightsSentence: String {
        switch self {
        case .noWeights(let folder, let names):
            "\(folder) holds no weights: looked for \(names.joined(separator: ", "))."
        case .onlyPickle(let folder, let file):
            "\(folder) holds \(file) only, which can run code when it is read. Convert it to"
                + " safetensors: load the"
                + " model with diffusers and call save_pretrained(…, safe_serialization=True)."
        case .badShardName(let file, let shard):
            "\(file) names the file \(shard), but shards must be .safetensors files beside it."
        case .shardLacks(let file, let shard, let tensor):
            "\(file) says that \(shard) holds tensor “\(tensor)”, but it does not."
        case .missingTensor(let file, let tensor):
            "\(file) has no tensor “\(tensor)”, which its config.json calls for."
        case .wrongShape(let file, let tensor, let expected, let found):
            "\(file): tensor “\(tensor)” has shape \(found), but its config.json calls for \(expected)."
        case .notFinite(let file, let tensor, let count):
            "\(file): tensor “\(tensor)” holds \(count) values that are not finite numbers."
        default: ""
        }
    }
}
