package import Diffusion
internal import Foundation
package import Imaging

/// What a picture was made from, as its PNG carries it: enough to render it again and compare.
package struct PictureRecord: Hashable, Sendable, Codable {
    /// The keyword of the PNG's text entry.
    package static let keyword = "tessera"

    /// The record's own version.
    package var tessera = 1
    /// What was asked for.
    package var request: RenderRequest
    /// The model's name.
    package var model: String
    /// The model's hash, 64 hexadecimal digits.
    package var modelHash: String

    /// A record of `request` rendered with `model`.
    package init(request: RenderRequest, model: CascadeDescription) {
        self.init(request: request, model: model.name, modelHash: model.hash)
    }

    /// A record of `request` rendered with the model of that name and hash.
    package init(request: RenderRequest, model: String, modelHash: String) {
        self.request = request
        self.model = model
        self.modelHash = modelHash
    }

    /// Reads the record from a PNG's text entries.
    ///
    /// - Throws: `PictureRecordError`.
    package init(texts: [PNGText]) throws(PictureRecordError) {
        guard let entry = texts.first(where: { $0.keyword == PictureRecord.keyword }) else { throw .missing }
        guard let record = try? JSONDecoder().decode(PictureRecord.self, from: Data(entry.text.utf8)) else {
            throw .unreadable
        }
        guard record.tessera == 1 else { throw .version(record.tessera) }
        self = record
    }

    /// The PNG's text entries: the same bytes for the same record.
    package var texts: [PNGText] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else { return [] }
        return [PNGText(keyword: PictureRecord.keyword, text: String(decoding: json, as: UTF8.self))]
    }
}

/// Why a PNG does not tell what it was made from.
package enum PictureRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The PNG has no text entry of the name.
    case missing
    /// The entry is not such a record.
    case unreadable
    /// The record is of a version that this program does not know.
    case version(Int)

    package var description: String {
        switch self {
        case .missing:
            "The picture does not say what it was made from; it was not made by Tessera, or was re-saved."
        case .unreadable: "The picture's record of what it was made from cannot be read."
        case .version(let version): "The picture's record is of version \(version); use a newer Tessera."
        }
    }
}
