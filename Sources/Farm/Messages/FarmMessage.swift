/// Everything that travels on the farm's sockets.
package enum FarmMessage: Hashable, Sendable {
    /// Worker to coordinator, control socket.
    case report(WorkerReport)
    /// Coordinator to worker, control socket.
    case order(WorkerOrder)
    /// Client to coordinator, control socket; the client's number comes back with the reply.
    case request(number: UInt64, ClientRequest)
    /// Coordinator to client, control socket.
    case reply(number: UInt64, ClientReply)
    /// Worker or client to coordinator, blob socket.
    case blobRequest(BlobRequest)
    /// Coordinator to worker or client, blob socket.
    case blobReply(BlobReply)
}
