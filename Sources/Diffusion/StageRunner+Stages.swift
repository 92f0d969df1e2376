import TensorEngine

/// The three kinds of stages.
extension StageRunner {
    typealias StepCallback = (StepProgress) throws(StageInterruption) -> Void

    /// Text → CLIP image embedding.
    func runPrior(
        _ run: StageRun, _ config: PriorConfig, _ onStep: StepCallback
    ) throws(StageError) -> StageOutput {
        let prior = try model { () throws(ModelError) in try networks.prior(run.stage.component, config) }
        let prompt = run.request.prompt
        let conditioning = try priorConditioning(prior, prompt)
        let guidance = Float(run.stage.description.guidance ?? 1)
        let x = context.matrix(rows: 1, channels: config.embedding)
        let sampling = Sampling(
            steps: run.steps, count: config.embedding, generator: run.generator, context: context
        ) { [context] sample, timestep, prediction in
            x.assign(sample)
            let both = prior(x, timestep: timestep, conditioning, context)
            prediction.output = Self.guided(
                both.rows(0..<1).values(), both.rows(1..<2).values(), guidance)
        }
        let sample = try finish(sampling, run, onStep)
        return StageOutput(
            name: "image_embeds", shape: [1, config.embedding], values: prior.postProcess(sample),
            warnings: warnings(prompt))
    }

    /// Text and CLIP image embedding → small picture.
    func runDecoder(
        _ run: StageRun, _ config: UNetConfig, _ input: [UInt8]?, _ onStep: StepCallback
    ) throws(StageError) -> StageOutput {
        let name = run.stage.description.name
        let embedding = try self.input(
            "image_embeds", input, stage: name, shape: [1, cascade.textProjection.embedding])
        let decoder = try model { () throws(ModelError) in try networks.decoder(run.stage.component, config) }
        let projection = try model { () throws(ModelError) in try networks.projection() }
        let projected = projection(
            imageEmbedding: embedding, texts: try bothTexts(run.request.prompt), context)
        let conditioning = decoder.condition(projected, context)
        let guidance = Float(run.request.guidance ?? run.stage.description.guidance ?? 1)
        let hasVariance = config.outputs == 6
        let count = run.stage.sampleCount
        let x = context.map(images: 2, height: config.size, width: config.size, channels: 3, isPadded: true)
        x.clear()
        var (unguided, conditional) = (
            [Float](repeating: 0, count: count), [Float](repeating: 0, count: count)
        )
        let sampling = Sampling(
            steps: run.steps, count: count, hasVariance: hasVariance, generator: run.generator,
            context: context
        ) { [context] sample, timestep, prediction in
            for image in 0..<2 { x.image(image).assignNCHW(sample) }
            let both = context.computing(run.precision(at: timestep)) {
                decoder(x, timestep: timestep, conditioning, context)
            }
            both.image(0).channels(0..<3).copyNCHW(into: &unguided)
            both.image(1).channels(0..<3).copyNCHW(into: &conditional)
            if hasVariance { both.image(1).channels(3..<6).copyNCHW(into: &prediction.variance) }
            prediction.output = Self.guided(unguided, conditional, guidance)
        }
        return picture(try finish(sampling, run, onStep), size: config.size)
    }

    /// Picture → picture of four times the size.
    func runSuperResolution(
        _ run: StageRun, _ config: UNetConfig, last lastConfig: UNetConfig?, _ input: [UInt8]?,
        _ onStep: StepCallback
    ) throws(StageError) -> StageOutput {
        let (size, small) = (config.size, config.size / 4)
        let values = try self.input(
            "image", input, stage: run.stage.description.name, shape: [1, 3, small, small])
        let upscaler = try model { () throws(ModelError) in
            try networks.upscaler(run.stage.component, config)
        }
        let last = try model { () throws(ModelError) in
            try networks.upscaler(run.stage.lastComponent ?? run.stage.component, lastConfig ?? config)
        }
        let picture = context.map(images: 1, height: small, width: small, channels: 3)
        picture.assignNCHW(values.map { max(-1, min(1, $0)) })
        // [noisy 3, enlarged 3]
        let x = context.map(images: 1, height: size, width: size, channels: 6, isPadded: true)
        x.clear()
        context.copy(context.bicubic(picture, height: size, width: size), into: x.channels(3..<6))
        let lastTimestep = run.steps.last?.timestep
        let sampling = Sampling(
            steps: run.steps, count: run.stage.sampleCount, generator: run.generator, context: context
        ) { [context] sample, timestep, prediction in
            x.channels(0..<3).assignNCHW(sample)
            let network = timestep == lastTimestep ? last : upscaler
            let output = context.computing(run.precision(at: timestep)) {
                network(x, timestep: timestep, context)
            }
            output.copyNCHW(into: &prediction.output)
        }
        return self.picture(try finish(sampling, run, onStep), size: size)
    }
}

extension StageRunner {
    /// unconditional + guidance·(conditional − unconditional) (Ho & Salimans 2022, arXiv 2207.12598).
    private static func guided(_ unconditional: [Float], _ conditional: [Float], _ guidance: Float) -> [Float]
    {
        zip(unconditional, conditional).map { $0 + guidance * ($1 - $0) }
    }

    /// Runs the steps that are left; the clean sample.
    private func finish(
        _ sampling: Sampling, _ run: StageRun, _ onStep: StepCallback
    ) throws(StageError) -> [Float] {
        var sampling = sampling
        while let progress = sampling.next() {
            // The networks read their files in place: a step that saw other weights must not count.
            try model { () throws(ModelError) in try cascade.checkUnchanged() }
            guard sampling.prediction.output.allSatisfy(\.isFinite) else {
                throw .notFinite(stage: run.stage.description.name, step: progress.step)
            }
            onPrediction?(run.steps[progress.step - 1].timestep, sampling.prediction.output)
            do {
                try onStep(progress)
            } catch {
                throw .interrupted
            }
        }
        return sampling.sample
    }

    private func picture(_ sample: [Float], size: Int) -> StageOutput {
        StageOutput(name: "image", shape: [1, 3, size, size], values: sample.map { max(-1, min(1, $0)) })
    }

    /// What the text tower makes of a prompt; the last few are remembered.
    package func textStates(_ prompt: String) throws(ModelError) -> TextStates {
        if let known = texts[prompt] { return known }
        let tokens = cascade.tokenizer.encode(prompt)
        let states = try networks.tower()(ids: tokens.ids, mask: tokens.mask, context)
        texts.insert(states, for: prompt)
        return states
    }

    /// What the prior computes once for a prompt; the last is remembered.
    private func priorConditioning(
        _ prior: PriorTransformer, _ prompt: String
    ) throws(StageError) -> PriorTransformer.Conditioning {
        if let known = priorConditionings[prompt] { return known }
        let conditioning = prior.condition(try bothTexts(prompt), context)
        priorConditionings.insert(conditioning, for: prompt)
        return conditioning
    }

    /// States of the empty prompt, then of the given one.
    private func bothTexts(_ prompt: String) throws(StageError) -> [TextStates] {
        try model { () throws(ModelError) in [try textStates(""), try textStates(prompt)] }
    }

    /// What to tell about a prompt that the tokenizer cut.
    private func warnings(_ prompt: String) -> [String] {
        let dropped = cascade.tokenizer.encode(prompt).dropped
        guard dropped > 0 else { return [] }
        return ["The prompt is too long for this model by \(dropped) tokens, which were left out at its end."]
    }

    /// The former stage's tensor, checked.
    private func input(
        _ name: String, _ blob: [UInt8]?, stage: String, shape: [Int]
    ) throws(StageError) -> [Float] {
        guard let blob else { throw .missingInput(stage: stage) }
        let (found, values) = try StageBlob.read(name, from: blob, stage: stage)
        guard found == shape else {
            throw .badInput(stage: stage, reason: "its \(name) has the shape \(found), not \(shape)")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw .badInput(stage: stage, reason: "its \(name) holds numbers that are not finite")
        }
        return values
    }

    private func model<Value>(_ body: () throws(ModelError) -> Value) throws(StageError) -> Value {
        do {
            return try body()
        } catch {
            throw .model(error)
        }
    }
}

extension ComputeContext {
    /// Runs `body` with the precision that a request asks for.
    func computing<Value>(_ precision: Precision, _ body: () -> Value) -> Value {
        isFast = precision == .fast
        defer { isFast = false }
        return body()
    }
}
