package import Diffusion
package import Farm

/// The models that a worker serves.
package struct ModelShelf: Sendable {
    /// By name and hash.
    let cascades: [ModelKey: Cascade]
    /// As the worker tells them to the coordinator, in the order of the folders.
    package let announcements: [ModelAnnouncement]

    /// Opens model folders; a model that stands in two folders counts once.
    ///
    /// - Throws: `ModelError` for the first folder that is not usable.
    package init(folders: [String]) throws(ModelError) {
        var cascades: [ModelKey: Cascade] = [:]
        var announcements: [ModelAnnouncement] = []
        for folder in folders {
            let cascade = try Cascade(folder: folder)
            guard let announcement = ModelAnnouncement(cascade.description) else { continue }
            if cascades.updateValue(cascade, forKey: announcement.key) == nil {
                announcements.append(announcement)
            }
        }
        self.cascades = cascades
        self.announcements = announcements
    }
}

extension ModelAnnouncement {
    /// A cascade in the farm's words; nil when its hash is not 64 hexadecimal digits.
    package init?(_ cascade: CascadeDescription) {
        guard let hash = Digest(hex: cascade.hash) else { return nil }
        let stages = cascade.stages.map { stage in
            AnnouncedStage(
                name: StageName(stage.name), steps: stage.steps, guidance: stage.guidance, size: stage.size)
        }
        self.init(
            key: ModelKey(name: cascade.name, hash: hash), version: "\(cascade.version)", stages: stages)
    }
}
