import Diffusion
import Foundation
import TensorEngine
import Testing

/// Each fault of a model folder has its own message, which names the file and what to do. FOLDER stands for
/// the folder.
@Suite struct BrokenModelTests {
    struct Broken: Sendable {
        let path: String
        let change: ChangedModel.Change
        let message: String

        init(_ path: String, _ change: ChangedModel.Change, _ message: String) {
            self.path = path
            self.change = change
            self.message = message
        }
    }

    static let weightNames =
        "diffusion_pytorch_model.safetensors, diffusion_pytorch_model.safetensors.index.json,"
        + " model.safetensors,"
        + " model.safetensors.index.json, diffusion_pytorch_model.fp16.safetensors,"
        + " diffusion_pytorch_model.safetensors.index.fp16.json, model.fp16.safetensors,"
        + " model.safetensors.index.fp16.json"

    static let settings = [
        Broken(
            "model_index.json", .removed,
            "FOLDER is not a model folder: it has no model_index.json. Name a folder in diffusers'"
                + " UnCLIP layout."
        ),
        Broken(
            "model_index.json", .text("{"), "FOLDER/model_index.json cannot be used: the JSON ends too early."
        ),
        Broken(
            "model_index.json", .text("[]"),
            "FOLDER/model_index.json cannot be used: it must hold a JSON object."),
        Broken(
            "model_index.json", .bytes([0x7b, 0xff, 0x7d]),
            "FOLDER/model_index.json cannot be used: not valid UTF-8."),
        Broken(
            "model_index.json", .text(String(repeating: " ", count: 1 << 20) + "{}"),
            "FOLDER/model_index.json cannot be read: the file is too large."),
        Broken(
            "model_index.json", .replacing("UnCLIPPipeline", "StableDiffusionPipeline"),
            "FOLDER/model_index.json: “_class_name” is \"StableDiffusionPipeline\", but must be"
                + " \"UnCLIPPipeline\","
                + " the only pipeline that is supported."),
        Broken(
            "model_index.json", .replacing("\"PriorTransformer\"", "\"AutoregressivePrior\""),
            "FOLDER/model_index.json: “prior” is AutoregressivePrior, but must be PriorTransformer."),
        Broken(
            "prior/config.json", .replacing("PriorTransformer", "UNet2DModel"),
            "FOLDER/prior/config.json: “_class_name” is \"UNet2DModel\", but must be PriorTransformer."),
        Broken(
            "prior/config.json", .removed,
            "FOLDER has no component “prior”: there is no file prior/config.json."),
        Broken(
            "prior/config.json", .replacing("\"num_layers\": 4", "\"num_layers\": 1000000000"),
            "FOLDER/prior/config.json: “num_layers” is 1000000000, but must be a whole number from 1 to"
                + " 256."),
        Broken(
            "prior/config.json", .replacing("\"num_layers\": 4", "\"num_layers\": \"4\""),
            "FOLDER/prior/config.json: “num_layers” is \"4\", but must be a whole number from 1 to 256."),
        Broken(
            "prior/config.json", .replacing("\"norm_in_type\": null", "\"norm_in_type\": \"layer\""),
            "FOLDER/prior/config.json: “norm_in_type” is \"layer\", but must be null,"
                + " the only value that is supported."),
        Broken(
            "prior/config.json", .replacing("\"embedding_dim\": 256", "\"embedding_dim\": 128"),
            "FOLDER/text_encoder/config.json: projection_dim is 256, but the prior's embedding_dim is 128."),
        Broken(
            "decoder/config.json", .replacing("SimpleCrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "FOLDER/decoder/config.json: “down_block_types” is [\"ResnetDownsampleBlock2D\","
                + " \"ResnetDownsampleBlock2D\", \"CrossAttnDownBlock2D\", \"CrossAttnDownBlock2D\"],"
                + " but must be"
                + " a list of \"ResnetDownsampleBlock2D\" or \"SimpleCrossAttnDownBlock2D\"."),
        Broken(
            "decoder/config.json", .replacing("\"sample_size\": 64", "\"sample_size\": 60"),
            "FOLDER/decoder/config.json: “sample_size” is 60, but must be a multiple of 8."),
        Broken(
            "decoder_scheduler/scheduler_config.json", .replacing("UnCLIPScheduler", "DDIMScheduler"),
            "FOLDER/decoder_scheduler/scheduler_config.json: “_class_name” is \"DDIMScheduler\","
                + " but must be UnCLIPScheduler."),
        Broken(
            "decoder_scheduler/scheduler_config.json", .replacing("squaredcos_cap_v2", "linear"),
            "FOLDER/decoder_scheduler/scheduler_config.json: “beta_schedule” is \"linear\","
                + " but must be \"squaredcos_cap_v2\", the only value that is supported."),
        Broken(
            "decoder_scheduler/scheduler_config.json", .replacing("learned_range", "fixed_small_log"),
            "FOLDER/decoder_scheduler/scheduler_config.json: variance_type is fixed_small_log,"
                + " but the decoder predicts variances."),
        Broken(
            "decoder_scheduler/scheduler_config.json", .replacing("\"sample\"", "\"v_prediction\""),
            "FOLDER/decoder_scheduler/scheduler_config.json: “prediction_type” is \"v_prediction\","
                + " but must be \"epsilon\" or \"sample\"."),
        Broken(
            "text_encoder/config.json", .replacing("CLIPTextModelWithProjection", "T5EncoderModel"),
            "FOLDER/text_encoder/config.json: “architectures” is [\"T5EncoderModel\"],"
                + " but must be CLIPTextModelWithProjection."),
    ]

    static let cascades = [
        Broken(
            "cascade.json", .replacing("\"format\": 1", "\"format\": 2"),
            "FOLDER/cascade.json: “format” is 2, but must be a whole number from 1 to 1."),
        Broken("cascade.json", .text("{\"format\":1,\"name\":\"x\"}"), "FOLDER/cascade.json lacks “stages”."),
        Broken(
            "cascade.json", .replacing("\"name\": \"emoji\"", "\"name\": \"../x\""),
            "FOLDER/cascade.json: “name” is \"../x\", but must be a word of at most 64 letters, digits,"
                + " “_”, “-” or “.”."),
        Broken(
            "cascade.json", .replacing("\"super_res_1024\"", "\"super_res_4096\""),
            "FOLDER has no component “super_res_4096”: there is no file super_res_4096/config.json."),
        Broken(
            "cascade.json", .replacing("\"super_res_1024\"", "\"../emoji\""),
            "FOLDER/cascade.json, stage 4: “component” is \"../emoji\", but must be a word of at most 64"
                + " letters,"
                + " digits, “_”, “-” or “.”."),
        Broken(
            "cascade.json", .replacing("\"steps\": 4", "\"steps\": 0"),
            "FOLDER/cascade.json, stage 3: “steps” is 0, but must be a whole number from 2 to 1000."),
        Broken(
            "cascade.json", .replacing("\"steps\": 4", "\"steps\": 1000000000"),
            "FOLDER/cascade.json, stage 3: “steps” is 1000000000, but must be a whole number from 2 to"
                + " 1000."),
        Broken(
            "cascade.json", .replacing("\"guidance\": 2.0", "\"guidance\": -1"),
            "FOLDER/cascade.json, stage 2: “guidance” is -1, but must be a number from 0.0 to 50.0."),
        Broken(
            "cascade.json", .replacing("\"size\": 256", "\"size\": 512"),
            "FOLDER/cascade.json, stage 3: “size” is 512, but must be 256, the sample_size of"
                + " super_res_first/config.json."),
        Broken(
            "super_res_first/config.json", .replacing("\"sample_size\": 256", "\"sample_size\": 128"),
            "FOLDER/cascade.json, stage 3: super_res_first makes pictures of 128 pixels, but must make 256,"
                + " four times the stage before it."),
        Broken(
            "cascade.json", .replacing("\"up1024\"", "\"up256\""),
            "FOLDER/cascade.json, stage 4: another stage has the same name."),
        Broken(
            "cascade.json", .replacing("\"component\": \"decoder\"", "\"component\": \"prior\""),
            "FOLDER/model_index.json: “prior” is PriorTransformer, but must be UNet2DConditionModel."),
    ]

    static let weights = [
        Broken(
            "prior/diffusion_pytorch_model.safetensors", .removed,
            "FOLDER/prior holds no weights: looked for \(weightNames)."),
        Broken(
            "prior/diffusion_pytorch_model.safetensors", .bytes([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]),
            "FOLDER/prior/diffusion_pytorch_model.safetensors: truncated: the header takes 17 bytes and"
                + " the file"
                + " has 10. Copy or download it again."),
        Broken(
            "tokenizer/vocab.json", .removed,
            "FOLDER/tokenizer/vocab.json cannot be read: the file does not exist."),
        Broken(
            "tokenizer/vocab.json", .replacing("\"!\": 0,", "\"!\": -1,"),
            "FOLDER/tokenizer/vocab.json: “!” is -1, but must be a token's number."),
        Broken(
            "tokenizer/merges.txt", .text("#version: 0.2\na b c\n"),
            "FOLDER/tokenizer/merges.txt: line 2 is not a pair of tokens."),
        Broken(
            "tokenizer/merges.txt", .text("#version: 0.2\nr o\nq q\n"),
            "FOLDER/tokenizer/merges.txt: line 3 joins tokens that the vocabulary does not hold."),
        Broken(
            "tokenizer/tokenizer_config.json", .replacing("\"!\"", "\"<pad>\""),
            "FOLDER/tokenizer/tokenizer_config.json: pad_token “<pad>” is not in the vocabulary."),
        Broken(
            "tokenizer/tokenizer_config.json", .replacing("32", "77"),
            "FOLDER/tokenizer/tokenizer_config.json: model_max_length is 77,"
                + " but the text tower has 32 positions."),
        Broken(
            "text_encoder/config.json", .replacing("\"vocab_size\": 1983", "\"vocab_size\": 1982"),
            "FOLDER/text_encoder/config.json: “eos_token_id” is 1982, but must be a whole number from 0"
                + " to 1981."
        ),
    ]

    @Test(arguments: (settings + cascades + weights).indices) func saysWhatIsWrong(_ index: Int) throws {
        let broken = (Self.settings + Self.cascades + Self.weights)[index]
        let model = try ChangedModel([broken.path: broken.change])
        let error = try #require(throws: ModelError.self) { try model.cascade() }
        #expect(error.description == broken.message.replacingOccurrences(of: "FOLDER", with: model.folder))
    }

    @Test func aMissingFolderIsNamed() throws {
        let error = try #require(throws: ModelError.self) { try Cascade(folder: "/nonexistent/model") }
        #expect(error.description == "There is no folder /nonexistent/model.")
    }

    @Test func picklesAreRefused() throws {
        let model = try ChangedModel([
            "prior/diffusion_pytorch_model.safetensors": .removed,
            "prior/diffusion_pytorch_model.bin": .text("PK"),
        ])
        let error = try #require(throws: ModelError.self) { try model.cascade() }
        #expect(
            error.description
                == "\(model.folder)/prior holds diffusion_pytorch_model.bin only, which can run code"
                + " when it is read."
                + " Convert it to safetensors: load the model with diffusers and call"
                + " save_pretrained(…, safe_serialization=True).")
    }

    @Test(arguments: ["../text_proj/x.safetensors", "/etc/passwd", ".safetensors", "x.bin"])
    func shardsStayInTheirFolder(_ shard: String) throws {
        let index = "diffusion_pytorch_model.safetensors.index.json"
        let model = try ChangedModel([
            "prior/diffusion_pytorch_model.safetensors": .removed,
            "prior/\(index)": .text("{\"weight_map\":{\"x\":\"\(shard)\"}}"),
        ])
        let error = try #require(throws: ModelError.self) { try model.cascade() }
        #expect(
            error.description
                == "\(model.folder)/prior/\(index) names the file \"\(shard)\","
                + " but shards must be .safetensors files beside it.")
    }

    @Test func truncatedWeightsAreRefused() throws {
        let file = "super_res_1024/diffusion_pytorch_model.safetensors"
        let whole = try Data(contentsOf: URL(filePath: "\(TestModel.folder)/\(file)"))
        let model = try ChangedModel([file: .bytes(Array(whole.prefix(whole.count / 2)))])
        let error = try #require(throws: ModelError.self) { try model.cascade() }
        #expect(error.description.hasPrefix("\(model.folder)/\(file): truncated: tensor “"))
        #expect(error.description.hasSuffix("Copy or download it again."))
    }
}

/// What only reading all weights finds.
@Suite struct ModelVerificationTests {
    @Test func theShippedModelIsSound() throws {
        let verification = ModelVerification(try TestModel.cascade())
        #expect(verification.problems.isEmpty)
        #expect(verification.tensors > 500 && verification.values > 15_000_000)
    }

    /// One file with a value that is not a number, a tensor of a wrong shape and one missing.
    @Test func namesEveryFault() throws {
        let path = "text_proj/diffusion_pytorch_model.safetensors"
        let file = try SafetensorsFile(path: "\(TestModel.folder)/\(path)")
        func changed(_ change: (String, [Int], [Float]) -> SafetensorsWriter.Tensor?) throws -> ChangedModel {
            let tensors = try file.entries.compactMap { name, entry in
                change(name, entry.shape, try file.floats(name))
            }
            return try ChangedModel([path: .bytes(SafetensorsWriter.bytes(tensors))])
        }
        func problems(_ model: ChangedModel) throws -> [String] {
            let cascade = try model.cascade()
            return withExtendedLifetime(model) {
                ModelVerification(cascade).problems.map {
                    $0.description.replacingOccurrences(of: "\(model.folder)/\(path)", with: "FILE")
                }
            }
        }

        let notFinite = try changed { name, shape, values in
            let broken = name == "embedding_proj.bias" ? [.nan, .infinity] + values.dropFirst(2) : values
            return .init(name: name, shape: shape, values: broken)
        }
        #expect(
            try problems(notFinite) == [
                "FILE: tensor “embedding_proj.bias” holds 2 values that are not finite numbers."
            ])

        let wrongShape = try changed { name, shape, values in
            .init(name: name, shape: name == "embedding_proj.bias" ? [1] + shape : shape, values: values)
        }
        #expect(
            try problems(wrongShape) == [
                "FILE: tensor “embedding_proj.bias” has shape [1, 128], but its config.json calls for [128]."
            ])

        let missing = try changed { name, shape, values in
            name == "embedding_proj.bias" ? nil : .init(name: name, shape: shape, values: values)
        }
        #expect(
            try problems(missing) == [
                "FILE has no tensor “embedding_proj.bias”, which its config.json calls for."
            ])
    }
}
