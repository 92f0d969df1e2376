import Diffusion
import Foundation
import Testing

/// Expected ids: transformers 5.23's CLIPTokenizer over weights/emoji/tokenizer, without start and end
/// (Tests/Scripts/tokenizer_ids.py).
@Suite struct TokenizerTests {
    static let table: [(text: String, ids: [Int])] = [
        ("", []),
        ("a red apple on a blue background", [320, 779, 763, 569, 320, 1877, 759]),
        ("\u{9ec4}\u{8272}\u{80cc}\u{666f}\u{4e0a}\u{7684}\u{718a}\u{732b}", [794, 551, 548, 721, 1612]),
        (
            "\u{4e00}\u{4e2a}\u{5c0f}\u{8349}\u{8393},\u{767d}\u{8272}\u{80cc}\u{666f}",
            [741, 523, 1804, 267, 811, 551, 723]
        ),
        ("  lots   of\u{9}\u{a} space  ", [533, 83, 338, 550, 82, 79, 64, 66, 324]),
        (
            "DON'T stop; it's we've I'm you'll he'd they're",
            [
                67, 569, 6, 339, 82, 1476, 282, 1290, 6, 338, 86, 324, 6, 879, 328, 6, 332, 88, 78, 340, 6,
                646, 71, 324, 6, 323, 589, 68, 344, 6, 773,
            ]
        ),
        ("''s '' 's", [6, 262, 338, 6, 262, 6, 338]),
        ("caf\u{e9}", [554, 69, 127, 358]),
        ("cafe\u{301}", [554, 69, 127, 358]),
        (
            "\u{130}stanbul \u{3a3}\u{391}\u{3a3} \u{df}",
            [328, 136, 485, 675, 635, 637, 331, 139, 225, 138, 109, 139, 481, 127, 509]
        ),
        ("\u{1f34e}\u{1f355}", [172, 253, 235, 236, 172, 253, 235, 499]),
        (
            "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} family",
            [
                172, 253, 239, 102, 158, 222, 235, 172, 253, 239, 102, 158, 222, 235, 172, 253, 239, 356, 69,
                64, 76, 72, 75, 344,
            ]
        ),
        ("1234 5\u{bd} \u{2163} \u{663}", [272, 273, 274, 275, 276, 126, 377, 158, 227, 367, 149, 352]),
        ("!", [0]),
        ("hi! there!!", [71, 328, 0, 589, 568, 324, 0, 0]),
        ("a!b", [320, 0, 321]),
        ("<|startoftext|>x<|endoftext|>", [1981, 343, 1982]),
        ("<|STARTOFTEXT|>", [27, 347, 675, 64, 1347, 69, 83, 68, 87, 339, 91, 285]),
        ("<|endoftext|", [27, 347, 598, 641, 69, 83, 68, 87, 339, 347]),
        ("tab\u{b}vt\u{c}ff", [83, 64, 321, 85, 339, 69, 325]),
        ("nul\u{0}x\u{1}\u{1f}", [861, 331, 444, 343, 189, 475]),
        ("\u{a0}nbsp\u{2003}em\u{3000}ideo", [77, 65, 82, 335, 1264, 72, 67, 68, 334]),
        ("\u{200b}zero\u{200d}", [158, 222, 489, 89, 568, 334, 158, 222, 491]),
        ("\u{85}nel", [77, 68, 331]),
        ("a_b-c.d,e/f", [320, 318, 321, 268, 322, 269, 323, 267, 324, 270, 325]),
        ("[x](y){z}", [314, 343, 60, 263, 344, 8, 346, 345, 348]),
        ("\u{fc}ber \u{dc}n\u{ef}", [127, 120, 65, 539, 127, 120, 77, 127, 363]),
        (
            "\u{65e5}\u{672c}\u{8a9e} \u{30c6}\u{30b9}\u{30c8} \u{304b}\u{3099}",
            [757, 520, 105, 164, 103, 508, 159, 225, 228, 159, 224, 117, 159, 225, 486, 159, 223, 490]
        ),
        ("\u{d55c}\u{ad6d}\u{c5b4}", [169, 243, 250, 166, 113, 255, 168, 244, 368]),
        (
            "\u{440}\u{443}\u{301}\u{441}\u{441}\u{43a}\u{438}\u{439}",
            [141, 222, 141, 481, 136, 479, 141, 223, 141, 223, 140, 118, 140, 116, 140, 373]
        ),
        ("\u{639}\u{631}\u{628}\u{64a}", [148, 117, 148, 109, 148, 101, 149, 488]),
        (
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
            [156, 97, 373, 156, 97, 379, 156, 97, 357, 156, 98, 491, 156, 97, 355, 156, 98, 478]
        ),
        ("\u{fb01} \u{fb00}", [171, 105, 479, 171, 105, 478]),
        ("\u{2167}", [158, 227, 371]),
        ("x\u{b2}", [343, 126, 366]),
        ("\u{feff}bom", [171, 119, 379, 636, 332]),
        ("\u{fffd}", [171, 123, 377]),
        ("\u{1d518}\u{1d52b}\u{1d526}", [172, 251, 242, 246, 172, 251, 242, 104, 172, 251, 242, 355]),
        ("\u{c5} \u{c5}", [127, 354, 127, 354]),
        ("\u{3a9} \u{3a9}", [139, 487, 139, 487]),
        ("\u{1e9b}\u{323}", [157, 118, 505, 136, 352]),
        ("e\u{301}\u{323}", [157, 118, 373, 136, 479]),
        ("cat\u{2028}dog", [1441, 1103]),
        ("'Sup 'LL", [6, 338, 84, 335, 6, 646]),
        ("it\u{2019}s", [1290, 158, 222, 503, 338]),
        ("100%", [272, 271, 271, 260]),
        ("a\u{300}a\u{301}", [127, 254, 127, 350]),
        ("\u{1c5} \u{1c6}", [131, 484, 131, 484]),
        ("\u{1f1e9}\u{1f1ea} flag", [172, 253, 229, 102, 172, 253, 229, 359, 847, 326]),
        ("pizza\u{1f355}pizza", [1199, 172, 253, 235, 499, 1199]),
        ("0\u{fe0f}\u{20e3}", [271, 171, 116, 237, 158, 225, 352]),
        ("^_^ :-) <3", [61, 62, 317, 25, 12, 264, 283, 274]),
        (
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            [64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 320]
        ),
        ("appleappleappleappleappleapple", [64, 1327, 857, 1327, 857, 1327, 857, 1327, 857, 1327, 857, 672]),
        ("<|endoftext|>!", [1982, 0]),
        ("! !", [0, 0]),
        (
            "a cat to the left of a pizza on a green background",
            [320, 1441, 776, 634, 1108, 550, 320, 1199, 569, 320, 808, 759]
        ),
    ]

    @Test(arguments: table.indices) func agreesWithTransformers(_ index: Int) throws {
        let (text, ids) = Self.table[index]
        let tokens = try TestModel.cascade().tokenizer.encode(text)
        let (start, end, length) = (1981, 1982, 32)
        let kept = ids.prefix(length - 2)
        let padding = [Int](repeating: 0, count: length - 2 - kept.count)
        #expect(tokens.ids == [start] + kept + [end] + padding, "\(text)")
        #expect(tokens.mask == (0..<length).map { $0 < kept.count + 2 })
        #expect(tokens.dropped == ids.count - kept.count)
    }

    @Test func longPromptsAreCutAndCounted() throws {
        let tokenizer = try TestModel.cascade().tokenizer
        let apples = tokenizer.encode(String(repeating: "a red apple ", count: 10_000))
        #expect(apples.dropped == 30_000 - 30)
        #expect(apples.ids.count == 32 && apples.ids.last == 1982 && !apples.mask.contains(false))

        let mixed = String(repeating: "The quick 熊猫 jumps!! ", count: 500).unicodeScalars.prefix(10_000)
        let cut = tokenizer.encode(String(String.UnicodeScalarView(mixed)))
        #expect(cut.dropped == 5239 - 32)
        #expect(cut.ids.prefix(8) == [1981, 634, 80, 84, 1031, 1612, 73, 84])
    }

    @Test func aMillionLettersWithoutASpaceEnd() throws {
        let tokens = try TestModel.cascade().tokenizer.encode(String(repeating: "appleb", count: 170_000))
        #expect(tokens.dropped > 100_000)
    }

    /// transformers 5 writes vocabulary and merges into one file.
    @Test func readsTokenizerJSON() throws {
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(TestModel.folder)/tokenizer/\(name)", encoding: .utf8)
        }
        let merges = try text("merges.txt").split(separator: "\n").dropFirst().map { line in
            let pair = try line.split(
                separator: ""
                    + " "
            ).map { String(decoding: try JSONEncoder().encode(String($0)), as: UTF8.self) }
            return "[\(pair.joined(separator: ","))]"
        }
        let model =
            "{\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\",\"vocab\":\(try text("vocab.json")),"
            + "\"merges\":[\(merges.joined(separator: ","))]}"
        let copy = try ChangedModel([
            "tokenizer/vocab.json": .removed, "tokenizer/merges.txt": .removed,
            "tokenizer/tokenizer.json": .text("{\"model\":\(model)}"),
        ])
        let cascade = try copy.cascade()
        #expect(cascade.usedFiles.contains("tokenizer/tokenizer.json"))
        let shipped = try TestModel.cascade().tokenizer
        for row in Self.table {
            #expect(cascade.tokenizer.encode(row.text) == shipped.encode(row.text))
        }
    }
}
