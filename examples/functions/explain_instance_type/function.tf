data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}

output "why" {
  value = provider::jdcloud::explain_instance_type(
    data.jdcloud_image_constraints.web, "img-ubuntu2204", "g.n4.large"
  )
}
