import Crypto

/// An 8-bit RGB picture: `width`×`height` pixels, rows from the top, three interleaved bytes a pixel.
package struct PixelImage: Sendable, Equatable {
    /// Pixels a row.
    package let width: Int
    /// Rows.
    package let height: Int
    /// `height`·`width`·3 bytes.
    package let rgb: [UInt8]

    /// Nil unless both sides are 1…`PNG.maximumSide` and `rgb` holds exactly `height`·`width`·3 bytes.
    package init?(width: Int, height: Int, rgb: [UInt8]) {
        guard (1...PNG.maximumSide).contains(width), (1...PNG.maximumSide).contains(height),
            rgb.count == width * height * 3
        else { return nil }
        self.width = width
        self.height = height
        self.rgb = rgb
    }

    /// SHA-256 of the raw pixels, 64 hexadecimal digits: what "the same picture" means in Tessera, since
    /// two PNG files of the same pixels may differ in compression and metadata.
    package var pixelHash: String {
        SHA256.hash(data: rgb).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
