package import TensorEngine

/// A model of a published architecture with random weights: of no use for pictures, but as large and as slow
/// as the real one, and readable by diffusers, so that speed, memory and agreement can be measured by anyone.
///
///     let model = SyntheticModel(architecture: .karlo, scale: .full, seed: 1, type: .f16)
///     try model.write(to: "karlo", context: context) { progress in print(progress.bytes) }
package struct SyntheticModel: Sendable, Hashable {
    /// What is imitated.
    package enum Architecture: String, Sendable, CaseIterable {
        /// Karlo: prior, 64-pixel decoder, 64→256 with a network of its own for the last step; 3.4·10⁹
        /// parameters (https://github.com/kakaobrain/karlo).
        case karlo
        /// The 256→1024 network of Ramesh et al. 2022 (arXiv 2204.06125, Table 3), 2.8·10⁸ parameters, after
        /// tiny stages that lead up to it.
        case dalle2 = "dalle2-1024"
    }

    /// How much of it.
    package enum Scale: String, Sendable, CaseIterable {
        /// The same layers with few channels and pixels; a megabyte or two.
        case tiny
        case full
    }

    /// What is imitated.
    package let architecture: Architecture
    /// How much of it.
    package let scale: Scale
    /// The same seed gives the same files.
    package let seed: UInt64
    /// How elements are kept.
    package let type: Weights.ElementType

    /// A model that is not written yet.
    package init(architecture: Architecture, scale: Scale, seed: UInt64, type: Weights.ElementType) {
        self.architecture = architecture
        self.scale = scale
        self.seed = seed
        self.type = type
    }
}

/// Why a synthetic model was not written.
package enum SynthesisError: Error, Hashable, Sendable, CustomStringConvertible {
    case notEmpty(folder: String)
    case noRoom(folder: String, needed: Int, free: Int)
    case unwritable(FileError)
    case model(ModelError)

    /// A sentence for the user.
    package var description: String {
        switch self {
        case .notEmpty(let folder):
            "\(folder) is there already and is not an empty folder. Name another, or remove it."
        case .noRoom(let folder, let needed, let free):
            "\(folder) needs \(needed >> 20) MiB, but only \(free >> 20) MiB are free there. Choose another"
                + " place, --precision f16, or --scale tiny."
        case .unwritable(let error): "\(error.path) cannot be written: \(error.reason)."
        case .model(let error): error.description
        }
    }
}
