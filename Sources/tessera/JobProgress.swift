import Client
import Farm

/// Follows a job to its end with a progress bar, fetching its pictures where a folder is given.
enum JobProgress {
    /// Returns when every image is done; throws `ExitStatus.failed` where images failed or the job was
    /// cancelled.
    static func follow(_ job: JobID, client: FarmClient, folder: PictureFolder?) throws {
        var bar = ProgressBar(title: "job \(job)", unit: "images")
        let last: JobStatus
        do {
            if let folder {
                last = try client.fetch(job, into: folder, wait: true) { show($0.status, in: &bar) }.status
            } else {
                last = try client.watch(job) { show($0, in: &bar) }
            }
        } catch .interrupted {
            bar.finish("Job \(job) goes on; `tessera watch \(job)` follows it again.")
            throw ExitStatus.interrupted.code
        }
        bar.finish(summary(last, folder: folder))
        if last.images.done < last.images.total { throw ExitStatus.failed.code }
    }

    private static func show(_ status: JobStatus, in bar: inout ProgressBar) {
        let images = status.images
        let over = images.done + images.failed + images.cancelled
        var notes: [String] = []
        if images.failed > 0 { notes.append("\(images.failed) failed") }
        if images.running == 0, let reason = status.waiting.first { notes.append(reason.text) }
        bar.show(
            done: Double(over), total: Double(images.total), note: notes.joined(separator: ", "),
            secondsLeft: status.secondsLeft)
    }

    private static func summary(_ status: JobStatus, folder: PictureFolder?) -> String {
        let images = status.images
        var text = "Job \(status.id) is \(status.state.word): \(images.done) of \(images.total) images done"
        if images.failed > 0 { text += ", \(images.failed) failed" }
        if images.cancelled > 0 { text += ", \(images.cancelled) cancelled" }
        if let folder { text += "; in \(folder.path)" }
        if images.failed > 0 {
            text += ". `tessera status \(status.id)` tells why; `tessera retry` tries again"
        }
        return text + "."
    }
}
