import TensorEngine

/// What a model is made of, for a reader.
package struct ModelInspection: Sendable, Hashable, Codable {
    /// A folder of weights.
    package struct Component: Sendable, Hashable, Codable {
        /// The folder's name.
        package let name: String
        /// Number of tensors.
        package let tensors: Int
        /// Elements of all its tensors.
        package let parameters: Int
        /// Bytes of its weight files.
        package let bytes: Int
        /// Element types, sorted, such as "F16".
        package let types: [String]
    }

    /// The model's folder.
    package let folder: String
    /// Name, hash and stages.
    package let cascade: CascadeDescription
    /// By name.
    package let components: [Component]
    /// Parameters of all components.
    package let parameters: Int
    /// Bytes of all weight files.
    package let bytes: Int

    /// Looks at the headers of all weights; reads none.
    package init(_ cascade: Cascade) throws(ModelError) {
        var components: [Component] = []
        for name in cascade.components {
            let weights = try cascade.weights(of: name)
            let entries = weights.names.compactMap { weights.entry($0) }
            components.append(
                Component(
                    name: name, tensors: entries.count, parameters: entries.reduce(0) { $0 + $1.count },
                    bytes: weights.files.reduce(0) { $0 + $1.byteCount },
                    types: Set(entries.map(\.type.rawValue)).sorted()))
        }
        folder = cascade.folder
        self.cascade = cascade.description
        self.components = components
        parameters = components.reduce(0) { $0 + $1.parameters }
        bytes = components.reduce(0) { $0 + $1.bytes }
    }
}
