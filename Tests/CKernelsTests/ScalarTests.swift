import CKernels
import Foundation
import Testing

/// The scalar functions against libm in f64.
struct ScalarTests {
    @Test func exponentialOfFloats() {
        for x in stride(from: Float(-87), through: 88, by: 0.01) {
            let exact = exp(Double(x))
            #expect(abs(Double(ck_expf(x)) - exact) <= 2.4e-7 * exact, "at \(x)")
        }
        #expect(ck_expf(-1000) == 0)
        #expect(ck_expf(-.infinity) == 0)
        #expect(ck_expf(1000) == .infinity)
        #expect(ck_expf(.nan).isNaN)
        #expect(ck_expf(0) == 1)
    }

    @Test func logarithmOfFloats() {
        for step in 1...100_000 {
            let x = Float(step) / 65536
            let exact = log(Double(x))
            #expect(abs(Double(ck_logf(x)) - exact) <= 2e-7 * max(abs(exact), 1e-3), "at \(x)")
        }
        #expect(ck_logf(1) == 0)
    }

    @Test func errorFunctionOfFloats() {
        for x in stride(from: Float(-6), through: 6, by: 0.001) {
            #expect(abs(Double(ck_erff(x)) - erf(Double(x))) <= 2e-7, "at \(x)")
        }
        #expect(ck_erff(0) == 0)
        #expect(ck_erff(.infinity) == 1)
        #expect(ck_erff(-.infinity) == -1)
    }

    @Test func functionsOfDoubles() {
        for x in stride(from: -700.0, through: 700, by: 0.37) {
            #expect(abs(ck_exp(x) - exp(x)) <= 4e-16 * exp(x), "exp at \(x)")
        }
        for x in stride(from: 1e-3, through: 50, by: 0.0037) {
            #expect(abs(ck_log(x) - log(x)) <= 4e-16 * max(abs(log(x)), 1e-2), "log at \(x)")
        }
        for x in stride(from: -2000.0, through: 2000, by: 0.37) {
            #expect(abs(ck_sin(x) - sin(x)) <= 4e-16, "sin at \(x)")
            #expect(abs(ck_cos(x) - cos(x)) <= 4e-16, "cos at \(x)")
        }
        #expect(ck_exp(0) == 1)
        #expect(ck_exp(-1000) == 0)
        #expect(ck_exp(1000) == .infinity)
        #expect(ck_log(0) == -.infinity)
        #expect(ck_log(-1).isNaN)
        #expect(ck_log(.infinity) == .infinity)
        #expect(abs(ck_log(Double.leastNonzeroMagnitude) - log(Double.leastNonzeroMagnitude)) < 1e-12)
    }
}
