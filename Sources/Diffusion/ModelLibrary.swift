import Foundation

/// The model folders that can be found on this machine.
package enum ModelLibrary {
    /// A folder with a model_index.json.
    package struct Model: Sendable, Hashable, Codable {
        /// Its path.
        package let folder: String
        /// The model's name; the folder's where the model cannot be read.
        package let name: String
        /// The maker's count of revisions; 0 where there is none.
        package let version: Int
        /// Picture sizes, ascending.
        package let sizes: [Int]
        /// What is wrong with the folder's settings; nil for a good one. Weights are not looked at.
        package let problem: String?
    }

    /// Where models are looked for: `TESSERA_MODELS` (folders separated by colons), then `weights` here and
    /// beside the program.
    package static func searchFolders(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        program: String = CommandLine.arguments.first ?? ""
    ) -> [String] {
        let named = (environment["TESSERA_MODELS"] ?? "").split(separator: ":").map(String.init)
        let beside = URL(filePath: program).resolvingSymlinksInPath().deletingLastPathComponent()
        var seen: Set<String> = []
        return (named + ["weights", beside.appending(path: "weights").path(percentEncoded: false)])
            .filter {
                seen.insert(URL(filePath: $0).standardizedFileURL.path(percentEncoded: false)).inserted
            }
    }

    /// The models that the folders are, or hold directly, in the order of folders and then of names.
    package static func list(in folders: [String]) -> [Model] {
        folders.flatMap { folder in
            if isFile(joined(folder, "model_index.json")) { return [model(folder)] }
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.sorted().map { joined(folder, $0) }
                .filter { isFile(joined($0, "model_index.json")) }.map(model)
        }
    }

    /// The folder of a model: `name` is a path of a folder, or the name of a model in one of `folders`.
    package static func folder(of name: String, in folders: [String]) throws(ModelError) -> String {
        if name.contains("/") || isFolder(name) { return name }
        let models = list(in: folders)
        let named = models.filter { $0.name == name }
        // Of broken ones only: opening it says what is wrong.
        guard let found = named.first(where: { $0.problem == nil }) ?? named.first else {
            throw .unknownModel(name, known: models.map(\.name), searched: folders)
        }
        return found.folder
    }

    private static func model(_ folder: String) -> Model {
        do {
            let reader = try CascadeReader(folder: folder)
            return Model(
                folder: folder, name: try reader.name(), version: try reader.version(),
                sizes: try reader.stages().compactMap(\.description.size), problem: nil)
        } catch {
            let name = URL(filePath: folder).standardizedFileURL.lastPathComponent
            return Model(folder: folder, name: name, version: 0, sizes: [], problem: error.description)
        }
    }
}
