import ArgumentParser
import Foundation
import Synchronization

/// `tessera up`: a coordinator and workers on this machine, each its own process, kept alive.
struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts a coordinator and workers on this machine and keeps them running.",
        discussion: "Ctrl-C stops all of them; unfinished jobs go on when they are started again.")

    @Option(help: "Worker processes.")
    var workers = 2

    @Option(help: "Threads of each worker's engine; the machine's cores shared out when not given.")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Memory that each worker may use, such as 8GiB; the machine's shared out when not given.",
            valueName: "size"))
    var memory: ByteCount?

    @Option(help: "A model folder or name that the workers serve; every model found when not given.")
    var model: String?

    @Option(help: "Folder for jobs, pictures and the workers' outboxes.")
    var data = "farm"

    @Option(help: "Address for clients and workers.")
    var listen = FarmAddress.standard

    @Option(
        help: ArgumentHelp(
            "Folder of keys, from `tessera keys init`; the workers use the key \"local\" in it.",
            valueName: "dir"))
    var keys: String?

    @Flag(help: "Report only warnings and errors.")
    var quiet = false

    func validate() throws {
        guard (1...64).contains(workers) else {
            throw ValidationError("--workers is \(workers); it must be 1 to 64.")
        }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be 1 to 256.")
        }
    }

    func run() throws {
        let ended = Mutex<Int32?>(nil)
        let signal = DispatchSemaphore(value: 0)
        let finish: @Sendable (Int32) -> Void = { status in
            ended.withLock { $0 = $0 ?? status }
            signal.signal()
        }
        let coordinator = coordinatorProcess(onReady: { signal.signal() }, onGivingUp: finish)
        let workers = workerProcesses(onGivingUp: finish)
        let trap = SignalTrap { number in finish(number == SIGINT ? ExitStatus.interrupted.rawValue : 0) }
        try coordinator.start()
        signal.wait()
        if ended.withLock({ $0 }) == nil {
            // Only now: until it listens, another farm may have the address.
            for worker in workers { try worker.start() }
            if !quiet { tellWhatIsNext() }
            signal.wait()
        }
        // Workers first: they give their leases back to a coordinator that still listens.
        for service in workers.reversed() + [coordinator] { service.stop() }
        withExtendedLifetime(trap) {}
        if let status = ended.withLock({ $0 }), status != 0 { throw ExitCode(status) }
    }

    private func tellWhatIsNext() {
        Output.remark("The farm listens on \(listen); data is in \(data). Ctrl-C stops it. Next:")
        let address = listen == FarmAddress.standard ? "" : " --connect \(FarmAddress.local(listen))"
        let access = keys.map { " --keys \(KeysInit.admin(in: $0))" } ?? ""
        Output.remark("  tessera submit ops/demo-prompts.txt --wait --out renders\(address)\(access)")
    }

    private var verbosity: [String] { quiet ? ["--quiet"] : [] }

    private func coordinatorProcess(
        onReady: @escaping @Sendable () -> Void, onGivingUp: @escaping @Sendable (Int32) -> Void
    ) -> ServiceProcess {
        ServiceProcess(
            name: "The coordinator",
            arguments: ["coordinator", "--data", data, "--listen", listen]
                + (keys.map { ["--keys", $0] } ?? [])
                + verbosity,
            onReady: onReady, onGivingUp: onGivingUp)
    }

    private func workerProcesses(onGivingUp: @escaping @Sendable (Int32) -> Void) -> [ServiceProcess] {
        let local = FarmAddress.local(listen)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let share = threads ?? max(1, cores / workers)
        let limit = memory?.bytes ?? MachineMemory.bytes / workers
        return (1...workers).map { number in
            var arguments = ["worker", "--connect", local, "--name", "worker-\(number)"]
            arguments += ["--threads", "\(share)", "--cache", "\(data)/worker-\(number)"]
            arguments += ["--memory", "\(limit)"]
            if let model { arguments += ["--model", model] }
            if let keys { arguments += ["--keys", KeysInit.localWorker(in: keys)] }
            return ServiceProcess(
                name: "Worker \(number)", arguments: arguments + verbosity, onGivingUp: onGivingUp)
        }
    }
}
