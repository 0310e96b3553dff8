# Stands for an object whose values are unknown until it is applied.
resource "terraform_data" "account" {
  input = { region = "cn-north-1" }
}

provider "jdcloud" {
  region = terraform_data.account.output.region
}

data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]

  # Without this line, the read fails in the first plan. With it, the read is deferred to apply.
  depends_on = [terraform_data.account]
}

output "excluded" {
  value = data.jdcloud_image_constraints.web.excluded_instance_types["img-ubuntu2204"]
}
