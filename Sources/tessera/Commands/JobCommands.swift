import ArgumentParser
import Client
import Farm

/// `tessera jobs`.
struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists jobs, newest first.")

    @Option(help: "At most so many.")
    var limit = 100

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var connection: ConnectOptions

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit is \(limit); it must be at least 1.") }
    }

    func run() throws {
        let jobs = try connection.client().jobs(limit: limit).map { JobView($0) }
        if json { return try Output.json(jobs) }
        var table = TextTable("JOB", "STATE", "DONE", "FAILED", "IMAGES", "LEFT", "MODEL", "NAME")
        for job in jobs {
            table.add(
                "\(job.id)", job.state, "\(job.images.done)", "\(job.images.failed)", "\(job.images.total)",
                job.secondsLeft.map(ProgressBar.clock) ?? "", job.model, job.name)
        }
        print(table.text)
    }
}

/// `tessera status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Tells how far a job is, why tasks wait, and why images failed.")

    @OptionGroup var job: JobArgument
    @OptionGroup var connection: ConnectOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// Failed images that are listed; the manifest has all.
    private static let failuresShown = 10

    func run() throws {
        let client = try connection.client()
        let status = try client.status(job.id)
        let failures = status.images.failed > 0 ? try failures(client) : []
        let view = JobView(status, failures: failures)
        if json { try Output.json(view) } else { print(view.text) }
    }

    private func failures(_ client: FarmClient) throws -> [JobView.Failure] {
        var (from, failures) = (0, [JobView.Failure]())
        while failures.count < Self.failuresShown {
            let page = try client.images(
                job.id, from: from, limit: Self.failuresShown, failedOnly: true,
                patience: client.patienceMilliseconds)
            guard let last = page.last else { break }
            failures += page.filter { $0.state == .failed }
                .map { JobView.Failure(image: $0.index + 1, reason: $0.error ?? "no reason was given") }
            from = last.index + 1
        }
        return Array(failures.prefix(Self.failuresShown))
    }
}

/// `tessera watch`.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Follows a job to its end with a progress bar.",
        discussion: "Ctrl-C stops watching; the job goes on.")

    @OptionGroup var job: JobArgument
    @OptionGroup var connection: ConnectOptions

    func run() throws {
        try JobProgress.follow(job.id, client: try connection.client(), folder: nil)
    }
}

/// `tessera fetch`.
struct FetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Writes a job's finished pictures and manifest.jsonl into a folder.",
        discussion: """
            Pictures that are there already are not fetched again. A folder with pictures of another job is \
            left as it is. The hidden file .tessera-job says which job a folder is of.

            A picture that the coordinator has lost keeps no other back; the manifest and the last line \
            tell which ones are missing, and the exit code is 1.
            """)

    @OptionGroup var job: JobArgument

    @Option(name: .shortAndLong, help: "The folder; it is made where it is missing.")
    var out: String

    @Flag(help: "Stay until the job is over; pictures land while it runs.")
    var wait = false

    @OptionGroup var connection: ConnectOptions

    func run() throws {
        let folder = try PictureFolder(path: out)
        let client = try connection.client()
        if wait { return try JobProgress.follow(job.id, client: client, folder: folder) }
        var bar = ProgressBar(title: "fetching", unit: "pictures")
        let fetched = try client.fetch(job.id, into: folder) { progress in
            bar.show(done: Double(progress.inFolder), total: Double(progress.status.images.done))
        }
        bar.finish(
            "\(fetched.inFolder) of \(fetched.status.images.total) pictures in \(out) "
                + "(\(fetched.written) new); the job is \(fetched.status.state.word).")
        if fetched.status.isOver, fetched.status.images.done < fetched.status.images.total {
            throw ExitStatus.failed.code
        }
    }
}

/// `tessera workers`.
struct WorkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "Lists the farm's workers and what they do.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var connection: ConnectOptions

    func run() throws {
        let workers = try connection.client().workers().map(WorkerView.init)
        if json { return try Output.json(workers) }
        var table = TextTable("WORKER", "HOST", "THREADS", "DONE", "FAILED", "DOING")
        for worker in workers {
            table.add(
                worker.name, worker.host, "\(worker.threads)", "\(worker.completed)", "\(worker.failed)",
                worker.activity)
        }
        print(table.text)
        for worker in workers {
            for reason in worker.excluded { print("\(worker.name): \(reason)".onOneLine) }
        }
    }
}
