import Farm
import FarmProtocol
import Logging
import Store
import ZeroMQ

/// A client that waits for a job to change.
struct Watcher {
    var peer: [UInt8]
    var number: UInt64
    var job: JobID
    var revision: UInt64
    var deadline: Instant
}

extension ControlLoop {
    /// Status requests held open at once; beyond it they are answered at once.
    static let mostWatchers = 10_000

    /// What one message of the socket holds; nothing when it is broken.
    func unpack(_ bytes: [UInt8], from peer: [UInt8]) -> [FarmMessage] {
        do throws(CodecError) {
            let messages = try FarmCodec.unpack(bytes)
            heard[peer, default: 0] += messages.count - 1
            return messages
        } catch {
            log.debug("a message was dropped: \(error)")
            drops.malformed += 1
            if case .unsupportedVersion = error { send(.order(.refused(error.description)), to: peer) }
            return []
        }
    }

    func take(_ report: WorkerReport, from peer: [UInt8]) {
        if case .hello(let hello) = report {
            guard stall == nil else { return }
            if let former = routes[hello.session]?.peer, former != peer { peers[former] = nil }
            let version = hello.protocolVersion(with: settings.options.protocolVersions)
            routes[hello.session] = Route(peer: peer, version: version ?? FarmCodec.oldestVersion)
            peers[peer] = hello.session
            return apply(.hello(hello))
        }
        guard let session = peers[peer] else {
            send(.order(.helloAgain), to: peer)
            return
        }
        // Nothing new is decided while the last turn is not on disk; workers repeat what matters.
        switch report {
        case .heartbeat where stall != nil:
            send(.order(.heartbeat), to: peer)
            _ = machine.apply(.heartbeat(session), at: clock.now)
        case .hello: break
        case .heartbeat: apply(.heartbeat(session))
        case .progress(let progress): apply(.progress(session, progress))
        case .completed, .failed, .goodbye:
            if stall == nil { takeEnd(report, from: session) }
        }
    }

    private func takeEnd(_ report: WorkerReport, from session: WorkerSession) {
        switch report {
        case .completed(let result):
            apply(.completed(session, result, blobStored: storage.blobs.size(of: result.blob) != nil))
        case .failed(let failure): apply(.failed(session, failure))
        case .goodbye: apply(.goodbye(session))
        case .hello, .heartbeat, .progress: break
        }
    }

    func take(_ request: ClientRequest, number: UInt64, from peer: [UInt8]) {
        let now = clock.now
        switch request {
        case .hello:
            let server = ServerDescription(
                protocolVersion: FarmCodec.newestVersion, build: settings.build,
                blobPort: settings.options.blobPort, farm: settings.options.farm,
                models: machine.modelList, trouble: machine.trouble)
            answer(.welcome(server), number: number, to: peer)
        case .jobs(let before, let limit):
            answer(.jobs(machine.jobList(before: before, limit: limit, at: now)), number: number, to: peer)
        case .workers: answer(.workers(machine.workerList(at: now)), number: number, to: peer)
        case .images(let job, let from, let limit, let failedOnly):
            let page = images(of: job, from: from, limit: limit, failedOnly: failedOnly)
            answer(page, number: number, to: peer)
        case .status(let job, let revision, let wait):
            if let revision, wait > 0, machine.revision(of: job) == revision,
                watchers.count < ControlLoop.mostWatchers
            {
                watchers.append(
                    Watcher(
                        peer: peer, number: number, job: job, revision: revision,
                        deadline: now.advanced(by: wait)))
            } else {
                answer(status(of: job, at: now), number: number, to: peer)
            }
        case .submit, .submitImages, .submitEnd, .control: decide(request, number: number, from: peer)
        }
    }

    /// Requests that change something go through the machine, and are answered once that is on disk.
    private func decide(_ request: ClientRequest, number: UInt64, from peer: [UInt8]) {
        if let stall {
            return answer(.refused(Refusal(.unavailable, stall)), number: number, to: peer)
        }
        lastRequest += 1
        let id = RequestID(lastRequest)
        waiting[id] = (peer, number)
        switch request {
        case .submit(let submission): apply(.submit(id, submission))
        case .submitImages(let submission, let first, let images):
            apply(.submitImages(id, submission, first: first, images: images.map(SubmittedImage.init)))
        case .submitEnd(let submission): apply(.submitEnd(id, submission))
        case .control(let job, let action): apply(.control(id, job, action))
        case .hello, .jobs, .status, .workers, .images: waiting[id] = nil
        }
    }

    private func images(of job: JobID, from: Int, limit: Int, failedOnly: Bool) -> ClientReply {
        guard machine.revision(of: job) != nil else { return noJob(job) }
        do throws(StoreError) {
            let page = try storage.jobs.images(of: job, from: from, limit: limit, failedOnly: failedOnly)
            return .images(page)
        } catch {
            return .refused(Refusal(.unavailable, error.description))
        }
    }

    private func status(of job: JobID, at now: Instant) -> ClientReply {
        machine.status(of: job, at: now).map { .status($0) } ?? noJob(job)
    }

    private func noJob(_ job: JobID) -> ClientReply {
        .refused(Refusal(.notFound, "There is no job \(job)."))
    }

    func answer(_ reply: ClientReply, number: UInt64, to peer: [UInt8]) {
        do throws(CodecError) {
            send(try FarmCodec.encode(.reply(number: number, reply)), to: peer)
        } catch {
            log.warning("an answer was too large to be sent: \(error)")
            send(.reply(number: number, .refused(Refusal(.limit, "\(error)"))), to: peer)
        }
    }

    /// Answers the clients whose job has changed or whose time is over; once a tick, however busy the farm.
    func answerWatchers(at now: Instant) {
        watchers.removeAll { watcher in
            guard watcher.deadline <= now || machine.revision(of: watcher.job) != watcher.revision else {
                return false
            }
            answer(status(of: watcher.job, at: now), number: watcher.number, to: watcher.peer)
            return true
        }
    }
}
