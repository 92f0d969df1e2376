import ArgumentParser

/// A number of bytes as people write it, a mebibyte or more: 500MB, 8GiB, 1.5 TiB, 1048576.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    private static let units: [String: Double] = [
        "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 0x1p10, "mib": 0x1p20,
        "gib": 0x1p30, "tib": 0x1p40,
    ]

    init?(argument: String) {
        let text = argument.lowercased().filter { $0 != " " }
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = Double(number), let unit = Self.units[String(text.dropFirst(number.count))],
            (0x1p20...0x1p60).contains(value * unit)
        else { return nil }
        bytes = Int(value * unit)
    }
}
