import TensorEngine

extension Cascade {
    /// Bytes of memory that a stage needs to run well, estimated from its sizes: its weights, which lie in
    /// the page cache, and the most that its tensors take at once.
    package func memoryBytes(of stage: CascadeStage) -> Int {
        let files = stage.allComponents.compactMap { try? weights(of: $0) }.flatMap(\.files)
        return files.reduce(0) { $0 + $1.byteCount } + stage.tensorBytes
    }
}

extension CascadeStage {
    /// Folders that the stage reads weights from, with the text's where it reads a text.
    var allComponents: Set<String> {
        switch network {
        case .prior, .decoder: Set(components + Cascade.textComponents)
        case .superResolution: Set(components)
        }
    }

    /// About the most bytes that its tensors take at once; `tessera bench stages` measures them.
    package var tensorBytes: Int {
        switch network {
        case .prior(let config): config.tensorBytes
        // With guidance each step runs the network on two pictures.
        case .decoder(let config): 2 * config.tensorBytes
        case .superResolution(let config, let last): max(config.tensorBytes, last?.tensorBytes ?? 0)
        }
    }
}

extension UNetConfig {
    /// Of one picture: what the down path keeps for the up path, and beside it twelve times the largest map
    /// for inputs, outputs, queries and keys; 8 to 11.4 times were measured.
    fileprivate var tensorBytes: Int {
        let maps = channels.enumerated().map { level, width in width * (size >> level) * (size >> level) }
        let skips = maps.reduce(0) { $0 + (layers + 1) * $1 }
        return 4 * (skips + 12 * (maps.max() ?? 0))
    }
}

extension PriorConfig {
    /// Of a prompt with and without its text: keys and values of every block, and one block's states, which
    /// were measured to take as much as 26 of them.
    fileprivate var tensorBytes: Int {
        let states = 2 * (textTokens + 4) * heads * headSize
        return 4 * (2 * layers + 30) * states
    }
}
