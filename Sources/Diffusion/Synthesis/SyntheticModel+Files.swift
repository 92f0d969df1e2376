import TensorEngine

/// The files around the weights, as diffusers' `save_pretrained` lays them out.
extension SyntheticModel {
    /// Every file but the weights: path below the folder → text.
    var texts: [String: String] {
        var files = networkSettings
        files["model_index.json"] = index
        files["cascade.json"] = cascade
        for (name, settings) in Self.schedulers { files["\(name)/scheduler_config.json"] = settings }
        files["tokenizer/vocab.json"] = vocabulary
        files["tokenizer/tokenizer_config.json"] = [
            "tokenizer_class": "CLIPTokenizer", "model_max_length": .integer(text.positions),
            "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
            "pad_token": "!", "do_lower_case": true, "errors": "replace",
        ]
        return files.mapValues(\.text).merging(["tokenizer/merges.txt": "#version: 0.2\n"]) { $1 }
    }

    /// Bytes alone and at a word's end, as CLIP numbers them, and CLIP's two special tokens as the last ids:
    /// prompts become letters, since the real vocabulary is not ours to give.
    private var vocabulary: JSONValue {
        let bytes = BytePairEncoder.byteCharacters.sorted()
        var ids: [String: JSONValue] = [
            "<|startoftext|>": .integer(text.vocabulary - 2), "<|endoftext|>": .integer(text.vocabulary - 1),
        ]
        for (id, byte) in bytes.enumerated() {
            ids[byte] = .integer(id)
            ids[byte + "</w>"] = .integer(id + bytes.count)
        }
        return .object(ids)
    }

    private var index: JSONValue {
        var index: [String: JSONValue] = [
            "_class_name": "UnCLIPPipeline", "_diffusers_version": "0.33.1",
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
            "text_proj": ["unclip", "UnCLIPTextProjModel"], "prior": ["diffusers", "PriorTransformer"],
            "decoder": ["diffusers", "UNet2DConditionModel"],
            "super_res_first": ["diffusers", "UNet2DModel"], "super_res_last": ["diffusers", "UNet2DModel"],
        ]
        for scheduler in Self.schedulers.keys { index[scheduler] = ["diffusers", "UnCLIPScheduler"] }
        return .object(index)
    }

    private static let schedulers: [String: JSONValue] = [
        "prior_scheduler": scheduler(variance: "fixed_small_log", prediction: "sample", range: 5),
        "decoder_scheduler": scheduler(variance: "learned_range", prediction: "epsilon", range: 1),
        "super_res_scheduler": scheduler(variance: "fixed_small_log", prediction: "epsilon", range: 1),
    ]

    private static func scheduler(variance: String, prediction: String, range: Double) -> JSONValue {
        [
            "_class_name": "UnCLIPScheduler", "num_train_timesteps": 1000, "clip_sample": true,
            "beta_schedule": "squaredcos_cap_v2", "variance_type": .string(variance),
            "prediction_type": .string(prediction), "clip_sample_range": .number(range),
        ]
    }

    private var cascade: JSONValue {
        var upscaler: [String: JSONValue] = [
            "name": .string("up\(4 * baseSize)"), "component": "super_res_first",
            "scheduler": "super_res_scheduler", "steps": 7, "size": .integer(4 * baseSize),
        ]
        if architecture == .karlo { upscaler["last_component"] = "super_res_last" }
        var stages: [JSONValue] = [
            [
                "name": "prior", "component": "prior", "scheduler": "prior_scheduler", "steps": 25,
                "guidance": 4,
            ],
            [
                "name": .string("base\(baseSize)"), "component": "decoder", "scheduler": "decoder_scheduler",
                "steps": 25, "guidance": 8, "size": .integer(baseSize),
            ],
            .object(upscaler),
        ]
        if architecture == .dalle2 {
            stages.append([
                "name": "up1024", "component": "super_res_1024", "scheduler": "super_res_scheduler",
                "steps": 15, "size": 1024,
            ])
        }
        return [
            "format": 1, "version": 0, "stages": .array(stages),
            "name": .string("\(architecture.rawValue)-\(scale.rawValue)"),
        ]
    }
}
