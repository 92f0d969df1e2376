import Farm
import OrderedCollections

/// What the coordinator's shell does with each message.
extension World {
    /// Bytes of a blob that travel at once, so that a blob takes several messages.
    private static let chunkBytes = 40

    func take(_ message: FarmMessage, from peer: Peer) {
        switch message {
        case .report(let report): take(report, from: peer)
        case .request(let number, let request): take(request, number: number, from: peer)
        case .blobRequest(let request):
            guard !coordinatorBurns() else { return }
            let answer = reply(to: request)
            guard coordinator.isUp else { return }
            send(.blobReply(answer), from: .coordinator, to: peer.party, peer.connection)
        case .order, .reply, .blobReply: fail("the coordinator got a message of the wrong direction")
        }
    }

    private func take(_ report: WorkerReport, from peer: Peer) {
        if case .hello(let hello) = report {
            guard coordinator.stall == nil else { return }
            if let former = coordinator.routes[hello.session]?.peer, former != peer {
                coordinator.peers[former] = nil
            }
            let version = hello.protocolVersion(with: coordinator.protocolVersions)
            coordinator.routes[hello.session] = CoordinatorNode.Route(peer: peer, version: version ?? 1)
            coordinator.peers[peer] = hello.session
            return apply(.hello(hello))
        }
        guard let session = coordinator.peers[peer] else {
            send([.helloAgain], to: peer, version: 1)
            return
        }
        switch report {
        case .heartbeat where coordinator.stall != nil:
            send([.heartbeat], to: peer, version: 1)
            _ = coordinator.machine.apply(.heartbeat(session), at: coordinatorTime)
        case .hello: break
        case .heartbeat: apply(.heartbeat(session))
        case .progress(let progress): apply(.progress(session, progress))
        case .completed(let result) where coordinator.stall == nil:
            let stored = coordinator.blobs[result.blob] != nil || mistake == .trustsWithoutBlob
            apply(.completed(session, result, blobStored: stored))
        case .failed(let failure) where coordinator.stall == nil: apply(.failed(session, failure))
        case .goodbye where coordinator.stall == nil: apply(.goodbye(session))
        case .completed, .failed, .goodbye: break
        }
    }

    private func take(_ request: ClientRequest, number: UInt64, from peer: Peer) {
        func answer(_ reply: ClientReply) {
            send(.reply(number: number, reply), from: .coordinator, to: peer.party, peer.connection)
        }
        switch request {
        case .status(let job, _, _):
            guard let status = coordinator.machine.status(of: job, at: coordinatorTime) else {
                return answer(.refused(Refusal(.notFound, "There is no job \(job).")))
            }
            return answer(.status(status))
        case .jobs(let before, let limit):
            let jobs = coordinator.machine.jobList(before: before, limit: limit, at: coordinatorTime)
            return answer(.jobs(jobs))
        case .workers: return answer(.workers(coordinator.machine.workerList(at: coordinatorTime)))
        case .submit, .submitImages, .submitEnd, .control: break
        case .hello, .images: return fail("no simulated client asks \(request)")
        }
        guard coordinator.stall == nil else { return refuse(peer, number) }
        coordinator.lastRequest += 1
        let id = RequestID(coordinator.lastRequest)
        coordinator.waiting[id] = (peer, number)
        switch request {
        case .submit(let submission): apply(.submit(id, submission))
        case .submitImages(let submission, let first, let images):
            let submitted = images.enumerated().map {
                SubmittedImage(request: $1, source: coordinator.store.source(of: $1, at: first + $0))
            }
            apply(.submitImages(id, submission, first: first, images: submitted))
        case .submitEnd(let submission): apply(.submitEnd(id, submission))
        case .control(let job, let action): apply(.control(id, job, action))
        case .hello, .jobs, .status, .workers, .images: break
        }
    }

    private func reply(to request: BlobRequest) -> BlobReply {
        switch request {
        case .offer(let blob, let bytes):
            if let stored = coordinator.blobs[blob] {
                if Content.name(of: stored) == blob || mistake == .trustsDamagedBlobs {
                    return .stored(blob)
                }
                coordinator.blobs[blob] = nil
            }
            if (coordinator.incoming[blob] ?? []).count > bytes { coordinator.incoming[blob] = nil }
            coordinator.uploads[blob] = bytes
            return proceed(blob, of: bytes)
        case .chunk(let blob, let offset, let bytes):
            if coordinator.blobs[blob] != nil { return .stored(blob) }
            guard let total = coordinator.uploads[blob] else { return .refused(blob, .outOfOrder) }
            let received = (coordinator.incoming[blob] ?? []).count
            if offset == received {
                guard received + bytes.count <= total else { return .refused(blob, .badSize) }
                if coordinator.isDiskFull { return diskFull(blob) }
                coordinator.incoming[blob, default: []] += bytes
            }
            return proceed(blob, of: total)
        case .read(let blob, let offset, _):
            guard let bytes = coordinator.blobs[blob], offset <= bytes.count else {
                return .refused(blob, .notFound)
            }
            let end = min(bytes.count, offset + World.chunkBytes)
            return .bytes(blob, offset: offset, total: bytes.count, bytes: Array(bytes[offset..<end]))
        }
    }

    private func proceed(_ blob: BlobID, of total: Int) -> BlobReply {
        let bytes = coordinator.incoming[blob] ?? []
        guard bytes.count >= total else {
            let length = min(World.chunkBytes, total - bytes.count)
            return .want(blob, offset: bytes.count, length: length)
        }
        if coordinator.isDiskFull { return diskFull(blob) }
        coordinator.uploads[blob] = nil
        coordinator.incoming[blob] = nil
        guard Content.name(of: bytes) == blob || mistake == .storesUnchecked else {
            return .refused(blob, .wrongHash)
        }
        coordinator.blobs[blob] = bytes
        if Content.name(of: bytes) != blob { fail("the blob \(blob) has other bytes than its name says") }
        return .stored(blob)
    }

    private func diskFull(_ blob: BlobID) -> BlobReply {
        coordinator.uploads[blob] = nil
        coordinator.incoming[blob] = nil
        if coordinator.diskTrouble == nil {
            coordinator.diskTrouble = "The disk is full."
            apply(.trouble(coordinator.diskTrouble))
        }
        return .refused(blob, .diskFull)
    }
}
