internal import Foundation

/// What the processor can do, for people.
enum ProcessorFeatures {
    private static let telling = ["avx2", "fma", "avx512f"]

    /// For example "avx2 fma avx512f"; empty when unknown.
    static let text: String = {
        guard let data = FileManager.default.contents(atPath: "/proc/cpuinfo") else { return "" }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        guard let flags = lines.first(where: { $0.hasPrefix("flags") }) else { return "" }
        let words = Set(flags.split(separator: " ").map(String.init))
        return telling.filter(words.contains).joined(separator: " ")
    }()
}
