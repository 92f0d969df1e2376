import CKernels

/// Elementary functions with the same bits on every machine; the system's libm differs between versions.
package enum Scalar {
    package static func exp(_ x: Float) -> Float { ck_expf(x) }
    package static func exp(_ x: Double) -> Double { ck_exp(x) }
    package static func log(_ x: Double) -> Double { ck_log(x) }
    package static func sin(_ x: Double) -> Double { ck_sin(x) }
    package static func cos(_ x: Double) -> Double { ck_cos(x) }
}
