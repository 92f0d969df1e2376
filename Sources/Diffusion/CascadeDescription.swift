/// A stage of a cascade, as everyone in the farm knows it.
package struct StageDescription: Sendable, Hashable, Codable {
    /// Unique in its cascade.
    package let name: String
    /// Sampling steps unless the request says otherwise.
    package let steps: Int
    /// Classifier-free guidance; nil where the stage has none.
    package let guidance: Double?
    /// Height and width of the picture that the stage makes; nil where it makes none.
    package let size: Int?

    /// A stage, as a description states it.
    package init(name: String, steps: Int, guidance: Double? = nil, size: Int? = nil) {
        self.name = name
        self.steps = steps
        self.guidance = guidance
        self.size = size
    }
}

/// A model as everyone in the farm knows it, without its weights.
package struct CascadeDescription: Sendable, Hashable, Codable {
    /// The model's name, not unique: `hash` is.
    package let name: String
    /// The maker's count of revisions.
    package let version: Int
    /// SHA-256 over the files that pictures depend on, 64 hexadecimal digits.
    package let hash: String
    /// In the order in which they run.
    package let stages: [StageDescription]

    /// A model, as a description states it.
    package init(name: String, version: Int, hash: String, stages: [StageDescription]) {
        self.name = name
        self.version = version
        self.hash = hash
        self.stages = stages
    }

    /// The picture sizes that the cascade can end with, ascending.
    package var sizes: [Int] { stages.compactMap(\.size) }

    /// The stages that a picture of `size` pixels takes, in order.
    package func stages(forSize size: Int) throws(CascadeError) -> [StageDescription] {
        guard let last = stages.firstIndex(where: { $0.size == size }) else {
            throw .size(size, model: name, offered: sizes)
        }
        return Array(stages[...last])
    }
}
