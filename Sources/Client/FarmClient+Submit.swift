package import Farm

/// What a job is submitted with besides its prompts.
package struct JobTerms: Hashable, Sendable {
    /// The model's name, or `name@hash`.
    package var model: String
    /// The job's name, for people.
    package var name: String
    /// Who submits.
    package var owner: String
    /// Higher goes first; -1000…1000.
    package var priority: Int

    /// Terms of a job for `model`.
    package init(model: String, name: String = "", owner: String = "", priority: Int = 0) {
        self.model = model
        self.name = name
        self.owner = owner
        self.priority = priority
    }
}

extension FarmClient {
    /// Most prompt bytes in one message, so that it stays within `Limits.controlMessageBytes`.
    private static let chunkBytes = Limits.controlMessageBytes / 4

    /// Submits all pictures of a prompt file as one job, in pieces. When the connection breaks in between it
    /// goes on where the coordinator has it; nothing is submitted twice.
    ///
    /// - Parameter onProgress: called with the pictures sent and those in all.
    /// - Returns: the job.
    /// - Throws: `ClientError`.
    package func submit(
        _ prompts: PromptFile, as terms: JobTerms,
        onProgress: (_ sent: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(ClientError) -> JobID {
        let id = SubmissionID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
        let head = ClientRequest.submit(
            Submission(
                id: id, name: terms.name, owner: terms.owner, priority: terms.priority, model: terms.model,
                count: prompts.pictureCount))
        var state = try submission(head)
        var reader = PictureChunks(prompts)
        while state.job == nil {
            onProgress(state.received, prompts.pictureCount)
            if state.received == prompts.pictureCount {
                state = try submission(.submitEnd(id))
                continue
            }
            let images: [ImageRequest]
            do {
                images = try reader.next(from: state.received, maxBytes: FarmClient.chunkBytes)
            } catch {
                throw .prompts(error)
            }
            if images.isEmpty { throw .prompts(.changed(file: prompts.name)) }
            do {
                state = try submission(.submitImages(id, first: state.received, images: images))
            } catch .refused(let refusal) where refusal.code == .notFound {
                state = try submission(head)
            }
        }
        guard let job = state.job else { throw unexpected }
        return job
    }

    private func submission(_ request: ClientRequest) throws(ClientError) -> SubmissionState {
        guard case .submission(let state) = try ask(request) else { throw unexpected }
        return state
    }
}

/// Pictures of a prompt file in pieces, from any place on.
private struct PictureChunks {
    private let prompts: PromptFile
    private var pictures: PromptFile.Pictures
    private var position = 0
    private var ahead: ImageRequest?

    init(_ prompts: PromptFile) {
        self.prompts = prompts
        pictures = prompts.pictures()
    }

    /// Pictures from index `first`, as many as fit; going back begins the file again.
    mutating func next(from first: Int, maxBytes: Int) throws(PromptFileError) -> [ImageRequest] {
        if first < position {
            self = PictureChunks(prompts)
        }
        while position < first, try take() != nil {}
        var chunk: [ImageRequest] = []
        var bytes = 0
        while chunk.count < Limits.imagesPerChunk, let picture = try take() {
            bytes += picture.prompt.utf8.count + 64 * (2 + picture.options.steps.count)
            if bytes > maxBytes && !chunk.isEmpty {
                ahead = picture
                position -= 1
                break
            }
            chunk.append(picture)
        }
        return chunk
    }

    private mutating func take() throws(PromptFileError) -> ImageRequest? {
        let picture: ImageRequest?
        if let ahead {
            picture = ahead
            self.ahead = nil
        } else {
            picture = try pictures.next()
        }
        if picture != nil { position += 1 }
        return picture
    }
}
