package import Farm

extension FarmClient {
    /// Jobs, newest first.
    ///
    /// - Parameter limit: at most so many.
    /// - Throws: `ClientError`.
    package func jobs(limit: Int = Limits.jobs) throws(ClientError) -> [JobStatus] {
        var all: [JobStatus] = []
        while all.count < limit {
            let rows = min(limit - all.count, Limits.rowsPerPage)
            let request = ClientRequest.jobs(before: all.last?.id, limit: rows)
            guard case .jobs(let page) = try ask(request) else { throw unexpected }
            if page.isEmpty { break }
            all += page
        }
        return all
    }

    /// A job's state now.
    ///
    /// - Throws: `ClientError.refused` when there is no such job.
    package func status(_ job: JobID) throws(ClientError) -> JobStatus {
        guard case .status(let status) = try ask(.status(job, revision: nil, waitMilliseconds: 0)) else {
            throw unexpected
        }
        return status
    }

    /// Waits until the job's state is another than `known`, or some seconds have passed.
    ///
    /// It waits out a restart of the coordinator, however long that takes.
    ///
    /// - Throws: `ClientError`.
    package func nextStatus(after known: JobStatus) throws(ClientError) -> JobStatus {
        let held: Int64 = 5_000
        let request = ClientRequest.status(known.id, revision: known.revision, waitMilliseconds: held)
        guard case .status(let status) = try ask(request, heldMilliseconds: held, patience: nil) else {
            throw unexpected
        }
        return status
    }

    /// Follows a job until it is finished or cancelled.
    ///
    /// - Parameter onChange: called with each new state, the first one at once.
    /// - Returns: the last state.
    /// - Throws: `ClientError`.
    package func watch(_ job: JobID, onChange: (JobStatus) -> Void) throws(ClientError) -> JobStatus {
        var status = try status(job)
        onChange(status)
        while !status.isOver {
            status = try nextStatus(after: status)
            onChange(status)
        }
        return status
    }

    /// Workers by name.
    ///
    /// - Throws: `ClientError`.
    package func workers() throws(ClientError) -> [WorkerStatus] {
        guard case .workers(let workers) = try ask(.workers) else { throw unexpected }
        return workers
    }

    /// Cancels, pauses, resumes or retries a job.
    ///
    /// - Returns: its state afterwards.
    /// - Throws: `ClientError.refused` when the job's state does not allow it.
    @discardableResult
    package func control(_ job: JobID, _ action: JobAction) throws(ClientError) -> JobStatus {
        guard case .status(let status) = try ask(.control(job, action)) else { throw unexpected }
        return status
    }

    /// A page of a job's images, by index from `from`; empty after the last.
    ///
    /// - Parameters:
    ///   - limit: at most so many, at most `Limits.rowsPerPage`.
    ///   - failedOnly: asks for failed images alone; an older coordinator gives others too.
    ///   - patience: longest silence in milliseconds; nil waits without limit.
    /// - Throws: `ClientError`.
    package func images(
        _ job: JobID, from: Int, limit: Int = Limits.rowsPerPage, failedOnly: Bool = false, patience: Int64?
    ) throws(ClientError) -> [ImageStatus] {
        let request = ClientRequest.images(
            job, from: from, limit: min(limit, Limits.rowsPerPage), failedOnly: failedOnly)
        guard case .images(let page) = try ask(request, patience: patience) else { throw unexpected }
        return page
    }

    /// Asks with the usual patience.
    func ask(_ request: ClientRequest) throws(ClientError) -> ClientReply {
        try ask(request, patience: options.patienceMilliseconds)
    }
}

extension JobStatus {
    /// Whether nothing more will happen to the job by itself.
    package var isOver: Bool {
        switch state {
        case .draft, .active, .paused: false
        case .finished, .cancelled: true
        }
    }
}
