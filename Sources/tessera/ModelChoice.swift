import Diffusion

/// Finds the model that a command means.
enum ModelChoice {
    /// Opens the model that `name` names or locates; without a name, the first sound one that is found.
    /// `rehashing` distrusts what is known of files that seem unchanged.
    static func open(_ name: String?, rehashing: Bool = false) throws -> Cascade {
        guard let name else { return try Cascade(folder: try soundFolders()[0], rehashing: rehashing) }
        let folder = try ModelLibrary.folder(of: name, in: ModelLibrary.searchFolders())
        return try Cascade(folder: folder, rehashing: rehashing)
    }

    /// The folders to serve: that of `name`, or of every sound model that is found; at least one.
    static func folders(_ name: String?) throws -> [String] {
        guard let name else { return try soundFolders() }
        return [try ModelLibrary.folder(of: name, in: ModelLibrary.searchFolders())]
    }

    private static func soundFolders() throws -> [String] {
        let searched = ModelLibrary.searchFolders()
        let models = ModelLibrary.list(in: searched)
        let sound = models.filter { $0.problem == nil }.map(\.folder)
        guard sound.isEmpty else { return sound }
        let problems = models.compactMap(\.problem).map { "\n  " + $0 }.joined()
        throw UsageError(
            "No usable model is in \(searched.joined(separator: ", ")). Give a model folder with --model, "
                + "or set TESSERA_MODELS to the folder that holds models." + problems)
    }
}
