import CKernels
import Foundation

/// The instruction set that the hot loops run with. Every path computes the same bits.
package enum KernelPath: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Plain C, the specification of the others.
    case portable
    case avx2
    case avx512

    /// The environment variable that forces a path.
    package static let environmentName = "TESSERA_KERNELS"

    package var description: String { rawValue }

    /// Whether this machine can run the path.
    package var isAvailable: Bool { ck_path_available(code) }

    /// The fastest path of this machine.
    package static var best: KernelPath {
        allCases.last { $0.isAvailable } ?? .portable
    }

    /// The path that `TESSERA_KERNELS` names, or else the machine's best.
    ///
    /// - Throws: `EngineError.unknownPath` or `.unavailablePath` where the variable's value cannot be
    ///   followed.
    package static func chosen(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(EngineError) -> KernelPath {
        guard let name = environment[environmentName], !name.isEmpty else { return best }
        guard let path = KernelPath(rawValue: name) else { throw .unknownPath(name) }
        guard path.isAvailable else { throw .unavailablePath(path) }
        return path
    }

    var code: ck_path {
        switch self {
        case .portable: CK_PATH_PORTABLE
        case .avx2: CK_PATH_AVX2
        case .avx512: CK_PATH_AVX512
        }
    }
}
