import ArgumentParser
import Client
import Diffusion
import Farm
import Foundation
import Imaging
import Worker

/// `tessera verify`: renders again and compares.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Renders a picture, or a job's pictures, again and compares the pixel hash.",
        discussion: """
            A picture carries its request and its model's hash, so the file and the model are all it takes. \
            A job's number verifies what the coordinator keeps of it: every picture is downloaded, its bytes \
            are checked against their hash, and its pixels against those that rendering gives.
            """)

    @Argument(help: "A PNG file that Tessera made, or a job's number.")
    var subject: String

    @Option(help: "A model folder or name; the one that the picture names when not given.")
    var model: String?

    @Option(help: "Of a job, verify at most so many pictures.")
    var limit = Int.max

    @OptionGroup var engine: ThreadsOption
    @OptionGroup var connection: ConnectOptions

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit is \(limit); it must be at least 1.") }
        if let job { try JobArgument.check(job) }
    }

    /// The job that is meant, unless a file has that name.
    private var job: Int64? { FileManager.default.fileExists(atPath: subject) ? nil : Int64(subject) }

    func run() throws {
        if let job {
            try verify(job: JobID(job))
        } else {
            try verify(picture: subject)
        }
    }

    private func verify(picture path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw UsageError("\(path) cannot be read: \(error.localizedDescription)")
        }
        let (image, record) = try Self.read(bytes, path: path)
        let cascade = try open(model: record.model, hash: record.modelHash, for: path)
        var bar = ProgressBar(title: "verifying", unit: "steps")
        let again = try Rendering.run(record.request, cascade: cascade, threads: engine.threads) {
            bar.show(done: Double($0), total: Double($1), note: $2)
        }
        guard again.image.pixelHash == image.pixelHash else {
            bar.finish("")
            throw OperationError(
                "\(path) does not have the pixels of its request: it has \(image.pixelHash), rendering gives "
                    + "\(again.image.pixelHash). The file was changed after it was made.")
        }
        bar.finish("\(path) is what its request gives: pixels \(image.pixelHash)")
    }

    private static func read(_ bytes: [UInt8], path: String) throws -> (PixelImage, PictureRecord) {
        do {
            let (image, texts) = try PNG.decode(bytes)
            return (image, try PictureRecord(texts: texts))
        } catch {
            throw UsageError("\(path): \(error)")
        }
    }

    private func verify(job: JobID) throws {
        let client = try connection.client()
        let status = try client.status(job)
        guard let key = status.modelKey else {
            throw OperationError(
                "Job \(job) has no pictures yet: no worker has announced the model \(status.model.onOneLine)."
            )
        }
        let cascade = try open(model: key.name, hash: key.hash.hex, for: "job \(job)")
        let total = min(limit, status.images.done)
        var bar = ProgressBar(title: "verifying job \(job)", unit: "images")
        var (verified, from, faulty) = (0, 0, [MissingPicture]())
        while verified < total {
            let page = try client.images(job, from: from, patience: client.patienceMilliseconds)
            guard let last = page.last else { break }
            for image in page where image.state == .done && verified < total {
                if let reason = try fault(of: image, client: client, cascade: cascade) {
                    faulty.append(MissingPicture(image: image.index + 1, reason: reason))
                }
                verified += 1
                bar.show(done: Double(verified), total: Double(total))
            }
            from = last.index + 1
        }
        bar.finish("\(verified - faulty.count) of \(verified) pictures are what their requests give.")
        guard faulty.isEmpty else {
            throw OperationError(
                "Job \(job): the coordinator does not keep what these images' requests give: "
                    + "\(MissingPicture.list(faulty)). \(MissingPicture.remedy)")
        }
    }

    /// What is wrong with the picture that the coordinator keeps of an image; nil where it is what its
    /// request gives.
    private func fault(of image: ImageStatus, client: FarmClient, cascade: Cascade) throws -> String? {
        guard let picture = image.picture else { return "the coordinator names no picture" }
        let png: [UInt8]
        switch try client.picture(picture) {
        case .png(let bytes): png = bytes
        case .missing(let reason): return reason
        }
        guard let kept = try? PNG.decode(png).image else { return "it is no readable PNG" }
        let request = RenderRequest(image.request)
        let again = try Rendering.run(request, cascade: cascade, threads: engine.threads) { _, _, _ in }
        guard again.image.pixelHash == kept.pixelHash else { return "rendering gives other pixels" }
        return image.pixels?.hex == kept.pixelHash ? nil : "its pixels are not those that its worker reported"
    }

    /// Opens the model and makes sure that it is the one the picture was made with.
    private func open(model name: String, hash: String, for subject: String) throws -> Cascade {
        let cascade = try ModelChoice.open(model ?? name)
        guard cascade.description.hash == hash else {
            throw UsageError(
                "\(subject) was made with the model \(name.onOneLine) of hash \(hash); "
                    + "\(cascade.folder) has \(cascade.description.hash). Give the right folder with --model."
            )
        }
        return cascade
    }
}
