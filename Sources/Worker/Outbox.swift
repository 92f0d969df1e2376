internal import Crypto
package import Farm
internal import FarmProtocol
internal import Foundation

/// Results on disk until the coordinator has acknowledged them, so that a killed worker loses no finished
/// work.
///
/// One file a result: "TESSERA2", the farm (8 bytes), the length of the report (4 bytes, both little endian),
/// the report as it goes over the wire, the blob. Files appear whole or not at all. One process uses a folder
/// at a time.
package final class Outbox: Sendable {
    private static let magic = Array("TESSERA2".utf8)

    private let folder: String
    private let lock: Int32

    /// Opens the folder, making it where it is missing, and clears what a kill left half written.
    ///
    /// - Throws: `WorkerError.folder` or `.folderInUse`.
    package init(folder: String) throws(WorkerError) {
        self.folder = folder
        do {
            try DurableFile.makeFolder(folder)
        } catch {
            throw .folder(path: folder, reason: error.reason)
        }
        let file = open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if file < 0 { throw .folder(path: folder, reason: SystemText.lastReason()) }
        if flock(file, LOCK_EX | LOCK_NB) != 0 {
            close(file)
            throw .folderInUse(path: folder)
        }
        lock = file  // Last: with all properties set, a throw runs `deinit`, which closes it.
        for name in names(ending: ".part") { unlink("\(folder)/\(name)") }
    }

    deinit {
        close(lock)
    }

    /// Keeps a result; when it returns, the result survives a kill and a power cut.
    ///
    /// - Throws: `WorkerError.notKept`.
    package func keep(_ kept: KeptResult, blob: [UInt8]) throws(WorkerError) {
        let path = path(of: kept.result.lease)
        guard let report = try? FarmCodec.encode(.report(.completed(kept.result))) else {
            throw .notKept(path: path, reason: "the result is too large to be reported")
        }
        let farm = Outbox.bytes(of: kept.farm.number)
        let length = Outbox.bytes(of: UInt32(report.count))
        do {
            try DurableFile.write([Outbox.magic, farm, length, report, blob], to: path)
        } catch {
            throw .notKept(path: path, reason: error.reason)
        }
    }

    /// All results that are there and whole, by lease. What is broken is removed: it would be refused anyway.
    package func results() -> [KeptResult] {
        var results: [KeptResult] = []
        for name in names(ending: ".result") {
            let path = "\(folder)/\(name)"
            if let (kept, blob) = read(path), BlobID(hashing: blob) == kept.result.blob {
                results.append(kept)
            } else {
                unlink(path)
            }
        }
        return results.sorted { $0.result.lease < $1.result.lease }
    }

    /// The blob of a result; nil when it is not there or broken.
    package func blob(of lease: LeaseID) -> [UInt8]? {
        read(path(of: lease))?.blob
    }

    /// Forgets a result, if it is there.
    package func remove(_ lease: LeaseID) {
        unlink(path(of: lease))
    }

    private func path(of lease: LeaseID) -> String {
        let task = lease.task
        return "\(folder)/\(task.image.job.number)-\(task.image.index)-\(task.stage)-\(lease.attempt).result"
    }

    private func names(ending: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(ending) }.sorted()
    }

    private func read(_ path: String) -> (kept: KeptResult, blob: [UInt8])? {
        guard let data = FileManager.default.contents(atPath: path),
            data.count <= Limits.blobBytes + (1 << 20)
        else {
            return nil
        }
        let bytes = [UInt8](data)
        let header = Outbox.magic.count + 12
        guard bytes.count >= header, bytes.starts(with: Outbox.magic) else { return nil }
        let farm = Outbox.number(bytes[(header - 12)..<(header - 4)])
        let length = Int(Outbox.number(bytes[(header - 4)..<header]))
        guard bytes.count - header >= length else { return nil }
        guard
            case .report(.completed(let result))? = try? FarmCodec.decode(
                Array(bytes[header..<header + length]))
        else { return nil }
        let kept = KeptResult(farm: FarmID(farm), result: result)
        return (kept, Array(bytes[(header + length)...]))
    }

    private static func bytes(of number: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension BlobID {
    /// The name of these bytes.
    init?(hashing bytes: [UInt8]) {
        guard let digest = Digest(bytes: SHA256.hash(data: bytes)) else { return nil }
        self.init(digest)
    }
}
