/// Answers the library's question who may connect (RFC 27, ZAP). Without one the library lets in whoever
/// knows the server's key. One a context, started before any server socket is bound.
package final class Gatekeeper: PollHandler {
    package typealias Event = Never

    private static let address = "inproc://zeromq.zap.01"

    private let socket: Socket
    private let allows: @Sendable (CurveKey) -> Bool
    private var token: PollItems.Token?

    /// A gatekeeper that lets in the keys for which `allows` is true.
    ///
    /// - Throws: `ZeroMQError.addressInUse` when the context has one already.
    package init(_ context: Context, allows: @escaping @Sendable (CurveKey) -> Bool) throws(ZeroMQError) {
        socket = try Socket(context, .reply)
        self.allows = allows
        try socket.bind(Gatekeeper.address)
    }

    package func prepare(_ items: inout PollItems) -> Int? {
        token = items.add(socket)
        return nil
    }

    package func turn(_ events: [Never], _ items: borrowing PollItems) -> Bool {
        guard let token, items.isReadable(token) else { return true }
        // What cannot be read or answered stays unanswered, and the library refuses the connection.
        if let frames = try? socket.receive() { try? socket.send(answer(to: frames)) }
        return true
    }

    package func finish(_ error: ZeroMQError?) {}

    /// Version, number, domain, address, identity, mechanism, key → version, number, status, text, user,
    /// metadata.
    private func answer(to question: [[UInt8]]) -> [[UInt8]] {
        let number = question.count > 1 ? question[1] : []
        func reply(_ status: String, _ text: String, user: String = "") -> [[UInt8]] {
            [Array("1.0".utf8), number, Array(status.utf8), Array(text.utf8), Array(user.utf8), []]
        }
        guard question.count == 7, question[0] == Array("1.0".utf8), question[5] == Array("CURVE".utf8),
            question[2] == Array(CurveSide.domain.utf8), let key = CurveKey(bytes: question[6]), allows(key)
        else { return reply("400", "this key is not known") }
        return reply("200", "", user: key.text)
    }
}
