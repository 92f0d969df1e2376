/// A model as jobs and leases name it: its name and the hash over its files.
package struct ModelKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The model's name.
    package var name: String
    /// The hash over the folder's used files.
    package var hash: Digest

    /// The model `name` whose files hash to `hash`.
    package init(name: String, hash: Digest) {
        self.name = name
        self.hash = hash
    }

    /// `name@hash`.
    package var description: String { "\(name)@\(hash)" }
    package static func < (left: ModelKey, right: ModelKey) -> Bool {
        (left.name, left.hash) < (right.name, right.hash)
    }
}

/// One stage of an announced model.
package struct AnnouncedStage: Hashable, Sendable {
    /// The stage's name.
    package var name: StageName
    /// Denoising steps by default.
    package var steps: Int
    /// Guidance by default; nil where the stage has none.
    package var guidance: Double?
    /// Side of the picture that the stage gives, in pixels; nil where it gives no picture.
    package var size: Int?

    /// A stage with its defaults; `size` in pixels.
    package init(name: StageName, steps: Int, guidance: Double?, size: Int?) {
        self.name = name
        self.steps = steps
        self.guidance = guidance
        self.size = size
    }
}

/// A model as a worker announces it. The coordinator needs no weights.
package struct ModelAnnouncement: Hashable, Sendable {
    /// Name and hash.
    package var key: ModelKey
    /// The model's own version text.
    package var version: String
    /// The cascade's stages, first to last.
    package var stages: [AnnouncedStage]

    /// A model with its cascade, first stage first.
    package init(key: ModelKey, version: String, stages: [AnnouncedStage]) {
        self.key = key
        self.version = version
        self.stages = stages
    }

    /// The sizes that can be asked for, in pixels, smallest first.
    package var sizes: [Int] { stages.compactMap(\.size).sorted() }

    /// The stages that lead to a picture with `options`; nil where the model cannot do what they ask.
    package func plan(for options: RenderOptions) -> StagePlan? {
        guard misfit(options) == nil, let last = stages.firstIndex(where: { $0.size == options.size })
        else { return nil }
        let planned = Array(stages[...last])
        let steps = planned.map { stage in
            options.steps.first { $0.stage == stage.name }?.steps ?? stage.steps
        }
        return StagePlan(stages: planned, steps: steps)
    }

    /// What of `options` the model cannot do, for people; nil when it can do all. Workers are not asked for
    /// what must fail: their failures would count against them.
    package func misfit(_ options: RenderOptions) -> String? {
        if !sizes.contains(options.size) {
            let known = sizes.map { "\($0)" }.joined(separator: ", ")
            return "The model \(key.name) cannot give size \(options.size); it gives \(known)."
        }
        let names = stages.map(\.name)
        if let unknown = options.steps.first(where: { !names.contains($0.stage) }) {
            let known = names.map(\.text).joined(separator: ", ")
            return "The model \(key.name) has no stage \(unknown.stage); its stages are \(known)."
        }
        if let few = options.steps.first(where: { $0.steps < 2 }) {
            return "Stage \(few.stage) cannot run \(few.steps) steps; ask for 2 or more."
        }
        return nil
    }
}

/// The stages of one image, first to last. It has at least one.
package struct StagePlan: Hashable, Sendable {
    /// First to last, with the model's own numbers of steps.
    package var stages: [AnnouncedStage]
    /// The steps that the image asks for, by stage.
    package var steps: [Int]

    /// A plan of `stages`, first to last; `steps` has one number for each.
    package init(stages: [AnnouncedStage], steps: [Int]) {
        self.stages = stages
        self.steps = steps
    }

    /// How much work a stage is: its steps over the model's own number of them, on which paces are measured.
    package func work(_ stage: Int) -> Double { Double(steps[stage]) / Double(max(1, stages[stage].steps)) }
}

/// How exactly to compute.
package enum RenderPrecision: Hashable, Sendable {
    /// f32 everywhere.
    case exact
    /// 16-bit integers in the networks' large products.
    case fast
}

/// What is asked of one image besides its prompt and seed.
package struct RenderOptions: Hashable, Sendable {
    /// Side of the picture in pixels.
    package var size: Int
    /// Steps by stage where they differ from the cascade's; sorted by stage name, each name once.
    package var steps: [StepOverride]
    /// Guidance of the decoder stage; nil = the cascade's.
    package var guidance: Double?
    /// How exactly to compute.
    package var precision: RenderPrecision

    /// Options of one image; `size` in pixels.
    package init(
        size: Int, steps: [StepOverride] = [], guidance: Double? = nil, precision: RenderPrecision = .exact
    ) {
        self.size = size
        self.steps = steps.sorted { $0.stage < $1.stage }
        self.guidance = guidance
        self.precision = precision
    }
}

/// Another number of steps for one stage.
package struct StepOverride: Hashable, Sendable {
    /// The stage.
    package var stage: StageName
    /// Its denoising steps.
    package var steps: Int

    /// `steps` denoising steps in `stage`.
    package init(stage: StageName, steps: Int) {
        self.stage = stage
        self.steps = steps
    }
}

/// One picture to make.
package struct ImageRequest: Hashable, Sendable {
    /// What to draw.
    package var prompt: String
    /// Seed of the picture's noise.
    package var seed: UInt64
    /// Size, steps, guidance, precision.
    package var options: RenderOptions

    /// A picture of `prompt` from `seed`.
    package init(prompt: String, seed: UInt64, options: RenderOptions) {
        self.prompt = prompt
        self.seed = seed
        self.options = options
    }
}
