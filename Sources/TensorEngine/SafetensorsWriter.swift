/// Writes safetensors files whose bytes depend on their contents alone.
package enum SafetensorsWriter {
    /// A tensor to write as F32: `values` in C order, as many as the product of `shape`.
    package struct Tensor: Sendable, Hashable {
        /// Unique in its file.
        package let name: String
        /// Sizes, outermost first.
        package let shape: [Int]
        /// Elements in C order.
        package let values: [Float]

        /// A tensor; `values` must fill `shape`.
        package init(name: String, shape: [Int], values: [Float]) {
            precondition(values.count == shape.reduce(1, *), "a tensor's values must fill its shape")
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// The file's bytes. Tensors are ordered by name (names must differ), metadata by key, and the header
    /// is padded with spaces so that the data starts at a multiple of 8.
    package static func bytes(_ tensors: [Tensor], metadata: [String: String] = [:]) -> [UInt8] {
        let ordered = tensors.sorted { $0.name < $1.name }
        var bytes = header(
            ordered.map { .init(name: $0.name, shape: $0.shape, type: .f32) }, metadata: metadata)
        bytes.reserveCapacity(bytes.count + ordered.reduce(0) { $0 + 4 * $1.values.count })
        for tensor in ordered {
            tensor.values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// What comes before the tensors, which follow one another in this order.
    static func header(_ tensors: [SafetensorsStream.Outline], metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map {
                "\(JSONValue.quoted($0.key)):\(JSONValue.quoted($0.value))"
            }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var end = 0
        for tensor in tensors {
            let type = tensor.type.safetensors.rawValue
            let sizes = tensor.shape.map(String.init).joined(separator: ",")
            let next = end + tensor.byteCount
            let offsets = "\"data_offsets\":[\(end),\(next)]"
            let name = JSONValue.quoted(tensor.name)
            members.append("\(name):{\"dtype\":\"\(type)\",\"shape\":[\(sizes)],\(offsets)}")
            end = next
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
    }
}
