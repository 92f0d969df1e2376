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
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var end = 0
        for tensor in ordered {
            let sizes = tensor.shape.map(String.init).joined(separator: ",")
            let next = end + 4 * tensor.values.count
            let offsets = "\"data_offsets\":[\(end),\(next)]"
            members.append("\(quoted(tensor.name)):{\"dtype\":\"F32\",\"shape\":[\(sizes)],\(offsets)}")
            end = next
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + header.count + end)
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: header)
        for tensor in ordered {
            tensor.values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
