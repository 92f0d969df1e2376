import ArgumentParser
import Farm

/// Bounds of the texts that travel in the farm's messages.
enum TextLimits {
    /// Refuses a text that no message can carry.
    static func check(_ text: String, option: String, mayBeEmpty: Bool = false) throws {
        let allowed = (mayBeEmpty ? 0 : 1)...Limits.nameBytes
        let bytes = text.utf8.count
        guard allowed.contains(bytes) else {
            throw ValidationError(
                "\(option) has \(bytes) bytes; it must have \(allowed.lowerBound) to \(allowed.upperBound).")
        }
    }
}
