package import Farm

/// How far fetching a job's pictures came.
package struct FetchProgress: Hashable, Sendable {
    /// The job's last known state.
    package var status: JobStatus
    /// Pictures written now.
    package var written = 0
    /// Pictures that were there already, with the right bytes.
    package var present = 0

    /// Pictures in the folder.
    package var inFolder: Int { written + present }
}

extension FarmClient {
    /// Writes a job's finished pictures and its manifest into a folder. Pictures that are there are not
    /// fetched again; one that the coordinator has lost keeps no other back.
    ///
    /// - Parameters:
    ///   - wait: stay until the job is over; pictures land while it runs.
    ///   - onProgress: called after each picture and each change of the job.
    /// - Returns: how far it came; the manifest tells the state of every image at that moment.
    /// - Throws: `ClientError`; what was written stays. `.folderTaken` and `.folderBusy` come before anything
    ///   is written, `.picturesMissing` after all else.
    package func fetch(
        _ job: JobID, into folder: PictureFolder, wait: Bool = false,
        onProgress: (FetchProgress) -> Void = { _ in }
    ) throws(ClientError) -> FetchProgress {
        let status = try status(job)
        let claim = try folder.claim(for: job, of: server.farm)
        var fetch = JobFetch(client: self, folder: folder, status: status)
        onProgress(fetch.progress)
        while wait && !fetch.progress.status.isOver {
            try fetch.sweep(onProgress: onProgress)
            fetch.progress.status = try nextStatus(after: fetch.progress.status)
            onProgress(fetch.progress)
        }
        try fetch.finish(onProgress: onProgress)
        claim.release()
        if !fetch.missing.isEmpty { throw .picturesMissing(job: job, fetch.missing) }
        return fetch.progress
    }
}

/// The state of fetching one job.
private struct JobFetch {
    let client: FarmClient
    let folder: PictureFolder
    var progress: FetchProgress
    /// Images that need nothing more, except those below `settledBelow`, which all need nothing more.
    private var settled: Set<Int> = []
    private var settledBelow = 0
    /// Pictures that the coordinator could not give when it was last asked, by index: the reasons.
    private var reasons: [Int: String] = [:]
    /// Finished images of the job when it was last swept.
    private var sweptAt = 0

    init(client: FarmClient, folder: PictureFolder, status: JobStatus) {
        self.client = client
        self.folder = folder
        progress = FetchProgress(status: status)
    }

    /// Pictures that the coordinator could not give, by index.
    var missing: [MissingPicture] {
        reasons.sorted { $0.key < $1.key }.map { MissingPicture(image: $0.key + 1, reason: $0.value) }
    }

    /// Fetches what has finished since the last sweep. It looks from the first image that is not settled to
    /// the first page on which nothing has begun, so it stays cheap in a large job.
    mutating func sweep(onProgress: (FetchProgress) -> Void) throws(ClientError) {
        let images = progress.status.images
        let finished = images.done + images.failed + images.cancelled
        if finished == sweptAt { return }
        sweptAt = finished
        var from = settledBelow
        while true {
            let page = try client.images(progress.status.id, from: from, patience: nil)
            guard let last = page.last else { return }
            for image in page where !isSettled(image.index) { try settle(image, onProgress) }
            if page.allSatisfy({ $0.state == .waiting }) { return }
            from = last.index + 1
        }
    }

    /// Fetches all that is left, asks again for what was missing, and writes the manifest.
    mutating func finish(onProgress: (FetchProgress) -> Void) throws(ClientError) {
        let patience = client.options.patienceMilliseconds
        var manifest = try folder.create(PictureFolder.manifestName)
        var from = 0
        while true {
            let page = try client.images(progress.status.id, from: from, patience: patience)
            guard let last = page.last else { break }
            for image in page {
                let wasMissing = reasons.removeValue(forKey: image.index) != nil
                if wasMissing || !isSettled(image.index) { try settle(image, onProgress) }
                let line = ManifestLine(image, of: progress.status, missing: reasons[image.index])
                try manifest.append(line.bytes)
            }
            from = last.index + 1
        }
        try manifest.finish()
    }

    private func isSettled(_ index: Int) -> Bool { index < settledBelow || settled.contains(index) }

    private mutating func settle(_ image: ImageStatus, _ onProgress: (FetchProgress) -> Void)
        throws(ClientError)
    {
        switch image.state {
        case .waiting, .running: return
        case .failed, .cancelled: break
        case .done:
            guard let picture = image.picture else { return }
            try fetch(picture, of: image)
            onProgress(progress)
        }
        settled.insert(image.index)
        while settled.remove(settledBelow) != nil { settledBelow += 1 }
    }

    private mutating func fetch(_ picture: BlobID, of image: ImageStatus) throws(ClientError) {
        let name = PictureFolder.name(ofImage: image.index)
        if folder.holds(picture, as: name) {
            progress.present += 1
            return
        }
        switch try client.picture(picture) {
        case .png(let bytes):
            try folder.write(bytes, to: name)
            progress.written += 1
        case .missing(let reason): reasons[image.index] = reason
        }
    }
}
