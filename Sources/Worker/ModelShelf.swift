package import Diffusion
package import Farm

/// The models that a worker serves.
package struct ModelShelf: Sendable {
    /// By name and hash.
    let cascades: [ModelKey: Cascade]
    /// As the worker tells them to the coordinator, in the order of the folders.
    package let announcements: [ModelAnnouncement]
    /// Bytes of memory that each stage needs, by model and stage.
    let needs: [(stage: StageKey, bytes: Int)]

    /// Opens model folders; a model that stands in two folders counts once.
    ///
    /// - Throws: `ModelError` for the first folder that is not usable.
    package init(folders: [String]) throws(ModelError) {
        var cascades: [ModelKey: Cascade] = [:]
        var announcements: [ModelAnnouncement] = []
        var needs: [(stage: StageKey, bytes: Int)] = []
        for folder in folders {
            let cascade = try Cascade(folder: folder)
            guard let announcement = ModelAnnouncement(cascade.description) else { continue }
            if cascades.updateValue(cascade, forKey: announcement.key) == nil {
                announcements.append(announcement)
                needs += cascade.stages.map { stage in
                    let name = StageName(stage.description.name)
                    return (StageKey(model: announcement.key, stage: name), cascade.memoryBytes(of: stage))
                }
            }
        }
        self.needs = needs
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
