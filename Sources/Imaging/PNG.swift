import CPNG

/// What went wrong with a PNG file.
package enum PNGError: Error, Equatable, CustomStringConvertible {
    /// The bytes are no readable PNG; the reason is libpng's.
    case unreadable(reason: String)
    /// The picture could not be encoded; the reason is libpng's.
    case notEncoded(reason: String)

    package var description: String {
        switch self {
        case .unreadable(let reason): "The PNG cannot be read: \(reason)."
        case .notEncoded(let reason): "The picture cannot be written as PNG: \(reason)."
        }
    }
}

/// One entry of a PNG's text metadata (iTXt): a Latin-1 keyword of 1–79 bytes and UTF-8 text.
package struct PNGText: Sendable, Equatable {
    /// The keyword, such as `tessera` or `Title`.
    package let keyword: String
    /// The text, without zero bytes.
    package let text: String

    /// An entry; nothing is checked until it is encoded.
    package init(keyword: String, text: String) {
        self.keyword = keyword
        self.text = text
    }
}

/// PNG files ↔ pixels and text metadata.
///
///     let bytes = try PNG.encode(image, texts: [PNGText(keyword: "tessera", text: request)])
///     let (image, texts) = try PNG.decode(bytes)
package enum PNG {
    /// The longest side that is read or written, in pixels.
    package static let maximumSide = 16_384

    /// Encodes `image` as an 8-bit RGB PNG with `texts` before the pixels.
    package static func encode(_ image: PixelImage, texts: [PNGText]) throws(PNGError) -> [UInt8] {
        var pixels = image.rgb
        var raw = texts.map { cpng_text(keyword: duplicate($0.keyword), text: duplicate($0.text)) }
        defer { raw.forEach { release($0) } }
        var message = ErrorMessage()
        var out = cpng_bytes()
        defer { cpng_free_bytes(&out) }
        let status = pixels.withUnsafeMutableBufferPointer { pixels in
            raw.withUnsafeMutableBufferPointer { raw in
                var picture = cpng_image(
                    width: UInt32(image.width), height: UInt32(image.height), pixels: pixels.baseAddress,
                    texts: raw.baseAddress, text_count: Int32(raw.count))
                return message.fill { cpng_encode(&picture, &out, $0) }
            }
        }
        guard status == 0 else { throw .notEncoded(reason: message.text) }
        return [UInt8](UnsafeBufferPointer(start: out.data, count: out.size))
    }

    /// Decodes any PNG whose sides are at most `maximumSide`, with its text metadata in file order.
    package static func decode(_ bytes: [UInt8]) throws(PNGError) -> (image: PixelImage, texts: [PNGText]) {
        var message = ErrorMessage()
        var picture = cpng_image()
        defer { cpng_free_image(&picture) }
        let status = message.fill {
            cpng_decode(bytes, bytes.count, UInt32(maximumSide), &picture, $0)
        }
        guard status == 0 else { throw .unreadable(reason: message.text) }
        let (width, height) = (Int(picture.width), Int(picture.height))
        let rgb = [UInt8](UnsafeBufferPointer(start: picture.pixels, count: width * height * 3))
        guard let image = PixelImage(width: width, height: height, rgb: rgb) else {
            throw .unreadable(reason: "its sides are \(width)×\(height)")
        }
        let raw = UnsafeBufferPointer(start: picture.texts, count: Int(picture.text_count))
        let texts = raw.map { PNGText(keyword: String(cString: $0.keyword), text: String(cString: $0.text)) }
        return (image, texts)
    }
}

/// The buffer that C fills with the reason of a failure.
private struct ErrorMessage {
    private var buffer = [CChar](repeating: 0, count: Int(CPNG_MESSAGE_SIZE))

    mutating func fill(_ body: (UnsafeMutablePointer<CChar>?) -> Int32) -> Int32 {
        buffer.withUnsafeMutableBufferPointer { body($0.baseAddress) }
    }

    var text: String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

private func duplicate(_ string: String) -> UnsafeMutablePointer<CChar> {
    let bytes = string.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    copy.initialize(from: Array(bytes), count: bytes.count)
    return copy
}

private func release(_ entry: cpng_text) {
    entry.keyword.deallocate()
    entry.text.deallocate()
}
