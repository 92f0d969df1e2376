import OrderedCollections

extension CoordinatorMachine {
    mutating func begin(_ submission: Submission, for request: RequestID, at now: Instant) {
        if let known = submissions[submission.id], let job = jobs[known] {
            guard job.head.submission == submission else {
                return refuse(request, .conflict, "This submission was begun with other values.")
            }
            return reply(request, .submission(state(of: job)))
        }
        guard (1...Limits.imagesPerJob).contains(submission.count) else {
            let most = Limits.imagesPerJob
            return refuse(
                request, .invalid, "A job has 1 to \(most) images; this one has \(submission.count).")
        }
        guard !submission.model.isEmpty else { return refuse(request, .invalid, "The job names no model.") }
        guard draftHeard.count < Limits.drafts else {
            return refuse(
                request, .limit,
                "\(draftHeard.count) jobs are being submitted already; try again when some have arrived.")
        }
        guard jobs.count < Limits.jobs else {
            return refuse(
                request, .limit,
                "The coordinator has \(Limits.jobs) jobs and takes no more; begin another data folder.")
        }
        if let trouble { return refuse(request, .unavailable, trouble) }
        let head = Job.Head(
            id: nextJob, submission: submission, state: .draft, model: nil, submitted: now, finished: nil,
            alarms: 0)
        let job = Job(head: head, variants: [], images: [], sources: [], model: nil)
        jobs[head.id] = job
        submissions[submission.id] = head.id
        draftHeard[head.id] = now
        nextJob = JobID(nextJob.number + 1)
        persist(.nextJob(nextJob))
        persist(.job(head))
        reply(request, .submission(state(of: job)))
    }

    mutating func extend(
        _ id: SubmissionID, first: Int, images: [SubmittedImage], for request: RequestID, at now: Instant
    ) {
        guard let number = submissions[id], let job = jobs[number] else {
            return refuse(request, .notFound, "This submission is not known; begin it again.")
        }
        // A repeated or early chunk changes nothing; the answer says where to go on.
        guard job.head.state == .draft, first == job.images.count else {
            return reply(request, .submission(state(of: job)))
        }
        guard job.images.count + images.count <= job.head.submission.count else {
            return refuse(
                request, .invalid, "More images came than the \(job.head.submission.count) announced.")
        }
        if let trouble { return refuse(request, .unavailable, trouble) }
        if let text = misfit(in: images, for: job) { return refuse(request, .invalid, text) }
        guard job.variants.count + newOptions(in: images, for: job) <= Limits.variantsPerJob else {
            let text = "A job may have \(Limits.variantsPerJob) different combinations of options."
            return refuse(request, .limit, text)
        }
        append(images, to: number)
        draftHeard[number] = now
        if let job = jobs[number] { reply(request, .submission(state(of: job))) }
    }

    private func newOptions(in images: [SubmittedImage], for job: Job) -> Int {
        var found: Set<RenderOptions> = []
        for options in images.lazy.map(\.request.options)
        where !found.contains(options) && !job.variants.contains(options) {
            found.insert(options)
        }
        return found.count
    }

    private mutating func append(_ images: [SubmittedImage], to number: JobID) {
        let first = jobs[number]?.images.count ?? 0
        var added: [NewImage] = []
        added.reserveCapacity(images.count)
        for request in images.lazy.map(\.request) {
            guard let (variant, isNew) = jobs[number]?.variant(for: request.options) else { continue }
            if isNew { persist(.variant(number, index: Int(variant), request.options)) }
            added.append(NewImage(prompt: request.prompt, seed: request.seed, variant: variant))
        }
        jobs[number]?.append(added.map { ImageRow(variant: $0.variant) }, sources: images.map(\.source))
        persist(.images(number, first: first, added))
    }

    /// What of `images` the job's model cannot do, for people; nil while the model is unknown.
    private func misfit(in images: [SubmittedImage], for job: Job) -> String? {
        guard let model = model(named: job.head.submission.model) else { return nil }
        return images.lazy.compactMap { model.misfit($0.request.options) }.first
    }

    mutating func end(_ id: SubmissionID, for request: RequestID, at now: Instant) {
        guard let number = submissions[id], let job = jobs[number] else {
            return refuse(request, .notFound, "This submission is not known; begin it again.")
        }
        guard job.head.state == .draft else { return reply(request, .submission(state(of: job))) }
        let count = job.head.submission.count
        guard job.images.count == count else {
            return refuse(
                request, .conflict, "\(job.images.count) of \(count) images have come; send the others first."
            )
        }
        draftHeard.removeValue(forKey: number)
        changeHead(number) { head in
            head.state = .active
            head.submitted = now
        }
        if let model = model(named: job.head.submission.model) { resolve(number, model, at: now) }
        notice("job \(number) submitted with \(count) images")
        if let job = jobs[number] { reply(request, .submission(state(of: job))) }
    }

    /// Forgets a draft.
    mutating func drop(_ id: JobID) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        draftHeard.removeValue(forKey: id)
        submissions[job.head.submission.id] = nil
        revisions[id] = nil
        persist(.jobRemoved(id))
        notice("an unfinished submission (job \(id)) was dropped")
    }

    /// The model that a job asks for: by name and hash, or the latest of that name.
    func model(named text: String) -> ModelAnnouncement? {
        models.values.last { $0.key.description == text || $0.key.name == text }
    }

    /// A worker announced a model: jobs that waited for it can begin.
    mutating func learn(_ model: ModelAnnouncement, at now: Instant) {
        guard models[model.key] == nil else { return }
        guard models.count < Limits.rowsPerPage else {
            return notice("too many models are known; \(model.key) is not used", isWarning: true)
        }
        models[model.key] = model
        persist(.model(model))
        for id in jobs.keys {
            guard let job = jobs[id], job.head.model == nil,
                job.head.state == .active || job.head.state == .paused,
                job.head.submission.model == model.key.name
                    || job.head.submission.model == model.key.description
            else { continue }
            resolve(id, model, at: now)
        }
    }

    private mutating func resolve(_ id: JobID, _ model: ModelAnnouncement, at now: Instant) {
        jobs[id]?.resolve(model)
        learnTwins(of: id)
        changeHead(id) { _ in }
        for index in jobs[id]?.plans.indices ?? 0..<0 where jobs[id]?.plans[index] == nil {
            guard let options = jobs[id]?.variants[index] else { continue }
            jobs[id]?.changeAll { row in
                if row.isOpen, Int(row.variant) == index { row.state = .failed }
            }
            persist(.variantFailed(id, index: index, reason: model.misfit(options) ?? ""))
        }
        finishIfDone(id, at: now)
    }

    mutating func control(_ id: JobID, _ action: JobAction, for request: RequestID, at now: Instant) {
        guard let job = jobs[id], job.head.state != .draft else {
            return refuse(request, .notFound, "There is no job \(id).")
        }
        switch (action, job.head.state) {
        case (.cancel, .active), (.cancel, .paused): cancel(id, at: now)
        case (.pause, .active): changeHead(id) { $0.state = .paused }
        case (.resume, .paused):
            changeHead(id) { $0.state = .active }
            arrive(id)
        case (.retry, .finished), (.retry, .cancelled), (.retry, .active), (.retry, .paused):
            reopen(id, at: now)
        case (.pause, .paused), (.resume, .active), (.cancel, .cancelled): break
        default:
            return refuse(
                request, .conflict, "Job \(id) has ended; \"retry\" starts its failed images again.")
        }
        if let job = status(of: id, at: now) { reply(request, .status(job)) }
    }

    private mutating func cancel(_ id: JobID, at now: Instant) {
        for worker in workers.values {
            for lease in worker.leases where lease.id.task.image.job == id {
                forget(lease.id, of: worker.session.worker)
                elders[lease.id.task.image] = nil
                send(worker.session, .revoke(lease.id))
            }
        }
        avoided = avoided.filter { $0.key.job != id }
        followCancel(of: id)
        jobs[id]?.changeAll { row in
            guard row.isOpen else { return }
            row.leased = false
            row.state = .cancelled
        }
        persist(.imagesCancelled(id))
        changeHead(id) { head in
            head.state = .cancelled
            head.finished = now
        }
        notice("job \(id) cancelled")
    }

    private mutating func reopen(_ id: JobID, at now: Instant) {
        guard let plans = jobs[id]?.plans, let head = jobs[id]?.head else { return }
        let hopeless = head.model == nil ? [] : plans.indices.filter { plans[$0] == nil }
        jobs[id]?.changeAll { row in
            guard row.state == .failed || row.state == .cancelled, !hopeless.contains(Int(row.variant)) else {
                return
            }
            row.reopen()
        }
        persist(.imagesReopened(id, exceptVariants: hopeless))
        changeHead(id) { head in
            if head.state != .paused { head.state = .active }
            head.finished = nil
        }
        arrive(id)
        if head.model == nil, let model = model(named: head.submission.model) { resolve(id, model, at: now) }
        finishIfDone(id, at: now)
    }

    mutating func refuse(_ request: RequestID, _ code: RefusalCode, _ message: String) {
        reply(request, .refused(Refusal(code, message)))
    }

    private func state(of job: Job) -> SubmissionState {
        SubmissionState(
            id: job.head.submission.id, received: job.images.count,
            job: job.head.state == .draft ? nil : job.head.id)
    }
}
