import Farm
import Foundation
import Store
import Testing

/// Random farms: after every turn the store holds what the machine holds, and counts equal a recount.
@Suite struct RestartTests {
    @Test(arguments: [1, 3, 4, 5, 6] as [UInt64])
    func loadedStateIsLiveState(seed: UInt64) throws {
        let temporary = try TemporaryFolder()
        let folder = try DataFolder(path: temporary.path)
        let store = try JobStore(folder)
        var world = World(seed: seed)
        for turn in 0..<400 {
            try store.commit(world.turn())
            guard turn % 40 == 0 || turn > 395 else { continue }
            let live = world.machine.snapshot
            #expect(try store.load() == live)
            for var job in live.jobs {
                let kept = job
                job.recount()
                #expect(job == kept)
            }
            if turn % 80 == 0 { world.restart(from: try store.load()) }
        }
        #expect(world.machine.snapshot.jobs.contains { $0.imageCounts.done > 0 })
    }

    @Test func theseFarmsShareStages() {
        let shared = (1...6 as ClosedRange<UInt64>).map { seed in
            var world = World(seed: seed)
            for _ in 0..<400 { _ = world.turn() }
            return world.shared
        }
        #expect(shared.contains { $0 > 0 })
    }

    /// Both changes end a lease by the same statement, run by GRDB for the one and by hand for the other.
    @Test func aResultAfterAFailureEndsItsLease() throws {
        let temporary = try TemporaryFolder()
        let store = try JobStore(DataFolder(path: temporary.path))
        let session = WorkerSession(worker: WorkerID("w"), nonce: 7)
        let leases = (0..<2).map { index in
            LeaseID(task: TaskID(image: ImageID(job: JobID(1), index: index), stage: 0), attempt: 1)
        }
        try store.commit(leases.map { .leased(HeldLease(id: $0, session: session)) })
        let result = TaskResult(
            lease: leases[1], blob: BlobID(World.digest(1, 0)), pixels: nil, seconds: 1)
        try store.commit([
            .imageFailed(leases[0].task.image, reason: "no"),
            .result(CommittedResult(result: result, stage: StageName("a"), worker: session.worker)),
        ])
        #expect(try store.load().leases.isEmpty)
    }

    @Test func aCrashBetweenCommitAndSendLosesNothing() throws {
        let temporary = try TemporaryFolder()
        let store = try JobStore(DataFolder(path: temporary.path))
        var world = World(seed: 11)
        // Messages of a turn are lost each time: the machine begins again from the disk after every commit.
        for _ in 0..<300 {
            try store.commit(world.turn())
            world.restart(from: try store.load())
        }
        world.deliversAll = true
        for _ in 0..<1500 {
            try store.commit(world.turn())
        }
        let jobs = world.machine.snapshot.jobs.filter { $0.head.state == .active }
        #expect(jobs.allSatisfy { $0.taskCounts.ready + $0.taskCounts.leased > 0 || $0.head.model == nil })
        let results = try world.machine.snapshot.jobs.flatMap {
            try store.images(of: $0.head.id, from: 0, limit: 1000)
        }
        #expect(results.contains { $0.state == .done })
        for image in results where image.state == .done {
            #expect(image.pixels == World.digest(image.index, 1))
        }
    }
}

/// Workers and clients that do as a seed says.
struct World {
    static let model = ModelAnnouncement(
        key: ModelKey(name: "toy", hash: digest(1, 1)), version: "1",
        stages: [
            AnnouncedStage(name: StageName("a"), steps: 2, guidance: 1.5, size: nil),
            AnnouncedStage(name: StageName("b"), steps: 2, guidance: nil, size: 64),
        ])

    var machine: CoordinatorMachine
    var deliversAll = false
    private var state: UInt64
    private var now = Instant(milliseconds: 1_000)
    private var held: [(WorkerSession, Dispatch)] = []
    private var submitted: UInt64 = 0
    /// Times that an image took stages over.
    private(set) var shared = 0

    init(seed: UInt64) {
        state = seed
        machine = CoordinatorMachine(at: now)
    }

    static func digest(_ a: Int, _ b: Int) -> Digest {
        Digest(bytes: (0..<32).map { UInt8(truncatingIfNeeded: $0 * 7 + a * 31 + b + 1) }) ?? .zero
    }

    mutating func restart(from snapshot: CoordinatorSnapshot) {
        machine = CoordinatorMachine(restoring: snapshot, at: now)
    }

    private mutating func draw(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    /// One to three events; gives what must be made durable.
    mutating func turn() -> [CoordinatorChange] {
        var changes: [CoordinatorChange] = []
        for _ in 0...draw(3) {
            now = now.advanced(by: Int64(draw(2000)))
            changes += apply(event())
            while machine.hasMore { changes += apply(.proceed) }
        }
        return changes
    }

    private mutating func apply(_ event: CoordinatorEvent) -> [CoordinatorChange] {
        var changes: [CoordinatorChange] = []
        for effect in machine.apply(event, at: now) {
            switch effect {
            case .persist(let change):
                if case .shared = change { shared += 1 }
                changes.append(change)
            case .assign(let session, let dispatch):
                if deliversAll || draw(10) > 0 { held.append((session, dispatch)) }
            case .send, .reply, .notice: break
            }
        }
        return changes
    }

    private mutating func event() -> CoordinatorEvent {
        let session = WorkerSession(worker: WorkerID("w\(draw(3))"), nonce: UInt64(draw(20) / 19))
        switch draw(deliversAll ? 12 : 20) {
        case 0...1: return hello(session)
        case 2: return .tick
        case 3...9:
            guard !held.isEmpty else { return .tick }
            let (owner, dispatch) = held.remove(at: draw(held.count))
            return .completed(owner, result(dispatch), blobStored: true)
        case 10...11: return hello(WorkerSession(worker: WorkerID("w\(draw(3))"), nonce: 0))
        case 12: return .undelivered(session, nil)
        case 13: return .goodbye(session)
        case 14...15:
            guard let (owner, dispatch) = held.last else { return .tick }
            let kind: FailureKind = [.application, .inputMissing, .declined][draw(3)]
            return .failed(owner, TaskFailure(lease: dispatch.lease, kind: kind, message: "no"))
        case 16:
            let action: JobAction = [.cancel, .pause, .resume, .retry][draw(4)]
            return .control(RequestID(1), JobID(Int64(1 + draw(4))), action)
        case 17:
            submitted += 1
            let id = SubmissionID(high: 5, low: submitted)
            let model = draw(4) == 0 ? "later" : "toy"
            return .submit(
                RequestID(1),
                Submission(id: id, name: "j", owner: "o", priority: draw(3), model: model, count: 4))
        case 18:
            let options = RenderOptions(
                size: 64,
                steps: draw(2) == 0 ? [] : [StepOverride(stage: StageName("a"), steps: 2 + draw(3))],
                guidance: draw(2) == 0 ? nil : 2.5)
            // Images at the same place of different jobs are twins.
            let first = 2 * draw(2)
            let images = (first..<first + 2).map { place in
                SubmittedImage(ImageRequest(prompt: "p", seed: .max - UInt64(place), options: options))
            }
            let id = SubmissionID(high: 5, low: submitted)
            return .submitImages(RequestID(1), id, first: first, images: images)
        default: return .submitEnd(RequestID(1), SubmissionID(high: 5, low: submitted))
        }
    }

    private mutating func hello(_ session: WorkerSession) -> CoordinatorEvent {
        let running = held.filter { $0.0 == session }.map(\.1.lease)
        return .hello(
            WorkerHello(
                session: session, oldestProtocol: 1, newestProtocol: 1, models: [World.model],
                running: Array(running.prefix(4))))
    }

    private func result(_ dispatch: Dispatch) -> TaskResult {
        let digest = World.digest(dispatch.lease.task.image.index, dispatch.lease.task.stage)
        return TaskResult(
            lease: dispatch.lease, blob: BlobID(digest), pixels: dispatch.isLast ? digest : nil, seconds: 0.5,
            warnings: ["cut"])
    }
}
